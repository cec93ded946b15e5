import type { Ip } from '#model/address.ts'

/** An address as four 32-bit words in network order; an IPv4 address is word 0. */
export type AddressWords = Uint32Array

const ZERO = 48
const NINE = 57
const DOT = 46
const COLON = 58

/**
 * Reads a canonical address into `words`; true for IPv6. Several times faster than a parser that has to find faults:
 * text that is no address gives some words, never a throw.
 */
export function readWords(address: Ip, words: AddressWords): boolean {
  const isIpv6 = address.includes(':')
  words.fill(0)
  if (isIpv6) readIpv6(address, words)
  else words[0] = readIpv4(address, 0)
  return isIpv6
}

function readIpv4(text: string, from: number): number {
  let word = 0
  let byte = 0
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === DOT) {
      word = (word << 8) | byte
      byte = 0
    } else {
      byte = (byte * 10 + code - ZERO) & 0xff
    }
  }
  return ((word << 8) | byte) >>> 0
}

/** Groups before `::` are laid from the front, those after it from the back. */
function readIpv6(text: string, words: AddressWords): void {
  const gap = text.indexOf('::')
  const front = gap < 0 ? text.length : gap
  layGroups(text, { from: 0, to: front, words, first: 0 })
  if (gap < 0) return
  const back = gap + 2
  layGroups(text, { from: back, to: text.length, words, first: 8 - groupsIn(text, back) })
}

interface Groups {
  readonly from: number
  readonly to: number
  readonly words: AddressWords
  readonly first: number
}

function layGroups(text: string, { from, to, words, first }: Groups): void {
  if (from >= to) return
  let place = first
  let start = from
  let value = 0
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at)
    if (code === DOT) {
      layGroup(words, place, readIpv4(text, start) >>> 16)
      layGroup(words, place + 1, readIpv4(text, start) & 0xffff)
      return
    }
    if (code === COLON) {
      layGroup(words, place++, value)
      value = 0
      start = at + 1
    } else {
      value = ((value << 4) | hexDigit(code)) & 0xffff
    }
  }
  layGroup(words, place, value)
}

function layGroup(words: AddressWords, place: number, value: number): void {
  if (place < 0 || place > 7) return
  const word = place >> 1
  words[word] = (words[word] as number) | (value << (place & 1 ? 0 : 16))
}

function groupsIn(text: string, from: number): number {
  if (from >= text.length) return 0
  let groups = 1
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === COLON || (code === DOT && !text.slice(from, at).includes('.'))) groups++
  }
  return groups
}

/** Lower or upper case; anything else is some digit. */
const hexDigit = (code: number): number => (code <= NINE ? code - ZERO : (code & 0xdf) - 55) & 15
