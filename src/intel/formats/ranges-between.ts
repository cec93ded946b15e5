import { isIPv4 } from 'node:net'
import { readWords } from '#lib/address-words.ts'
import { formatIpv4, type Ip } from '#model/address.ts'

const END = 2 ** 32

/** The fewest ranges that hold the IPv4 addresses from `first` to `last`, both included; undefined for anything else. */
export function rangesBetween(first: string, last: string): string[] | undefined {
  if (!isIPv4(first) || !isIPv4(last)) return undefined
  let at = wordOf(first)
  const end = wordOf(last) + 1
  if (at >= end) return undefined
  const ranges: string[] = []
  while (at < end) {
    let size = at === 0 ? END : (at & -at) >>> 0
    while (at + size > end) size /= 2
    ranges.push(`${formatIpv4(at)}/${32 - Math.log2(size)}`)
    at += size
  }
  return ranges
}

function wordOf(address: string): number {
  const words = new Uint32Array(4)
  readWords(address as Ip, words)
  return words[0] as number
}
