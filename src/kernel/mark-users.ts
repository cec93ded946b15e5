import { eachAttribute, NETLINK, NetlinkSocket, NetlinkWriter, REQUEST } from './netlink.ts'
import { runProgram } from './run.ts'

/** Somebody who gives marks a meaning. */
export interface MarkUser {
  readonly value: number
  readonly mask: number
  /** As a person would find it. */
  readonly where: string
}

/** linux/rtnetlink.h, fib_rules.h */
const RTM_GETRULE = 34
const FRA = { mark: 10, mask: 16 } as const
const HEADER_BYTES = 12
const ALL_BITS = 0xffffffff
const [AF_INET, AF_INET6] = [2, 10]

/** Rules of `ip rule` that ask for a mark, of our network namespace. Throws KernelError. */
export function routingMarks(): MarkUser[] {
  return [AF_INET, AF_INET6].flatMap((family) => {
    const found: MarkUser[] = []
    const socket = new NetlinkSocket(NETLINK.route)
    try {
      const header = new Uint8Array(HEADER_BYTES)
      header[0] = family
      const flags = REQUEST.request | REQUEST.dump
      socket.send(new NetlinkWriter(64).begin(RTM_GETRULE, flags, 1, header).end().output())
      socket.dump('list routing rules', (_type, view, start, end) => {
        let [value, mask] = [0, 0]
        eachAttribute(view, start + HEADER_BYTES, end, (type, from) => {
          if (type === FRA.mark) value = view.getUint32(from, true)
          if (type === FRA.mask) mask = view.getUint32(from, true)
        })
        if (mask !== 0) found.push({ value, mask, where: `ip rule fwmark ${textOf(value, mask)}` })
      })
    } finally {
      socket.close()
    }
    return found
  })
}

/** The same of packet filters: what `nft` and `iptables` list, but for our own tables. */
export async function filterMarks(): Promise<MarkUser[]> {
  const [nft, ...tables] = await Promise.all([
    runProgram('nft', ['-t', 'list', 'ruleset']),
    runProgram('iptables-save', []),
    runProgram('ip6tables-save', []),
  ])
  return [...parseNftMarks(nft ?? ''), ...tables.flatMap((text) => parseIptablesMarks(text ?? ''))]
}

const NFT_MARK = /\bmark (?:set )?(?:and |& )?(?:(0x[0-9a-f]{1,8}) )?(?:==|!=|\|)? ?(0x[0-9a-f]{1,8})/g

export function parseNftMarks(text: string): MarkUser[] {
  const found: MarkUser[] = []
  let isOurs = false
  for (const line of text.split('\n')) {
    const [, table] = /^table \w+ (\S+)/.exec(line) ?? []
    if (table !== undefined) isOurs = table.startsWith('gatehouse')
    if (isOurs) continue
    for (const [, mask, value] of line.matchAll(NFT_MARK)) {
      const bits = mask === undefined ? ALL_BITS : Number(mask)
      found.push({ value: Number(value), mask: bits, where: `nft: ${line.trim().slice(0, 80)}` })
    }
  }
  return found
}

const IPTABLES_MARK =
  /--(?:set-x?mark|mark|or-mark) (0x[0-9a-f]{1,8}|\d{1,10})(?:\/(0x[0-9a-f]{1,8}|\d{1,10}))?/g

export function parseIptablesMarks(text: string): MarkUser[] {
  return text.split('\n').flatMap((line) =>
    [...line.matchAll(IPTABLES_MARK)].map(([, value, mask]) => ({
      value: Number(value),
      mask: mask === undefined ? ALL_BITS : Number(mask),
      where: `iptables: ${line.trim().slice(0, 80)}`,
    })),
  )
}

const textOf = (value: number, mask: number): string =>
  `0x${value.toString(16)}${mask === ALL_BITS ? '' : `/0x${mask.toString(16)}`}`

/** Who uses bits of our mask for values of his own. */
export const conflictWith = (mask: number, users: readonly MarkUser[]): MarkUser | undefined =>
  users.find((user) => (user.mask & mask) !== 0 && (user.value & mask) !== 0)

/** Whether somebody compares all of a mark, ours too: what he marked must stay as he did. */
export const isComparedWhole = (mask: number, users: readonly MarkUser[]): boolean =>
  users.some((user) => (user.mask & mask) !== 0 && (user.value & mask) === 0 && user.value !== 0)
