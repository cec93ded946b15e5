import { KernelError } from '#kernel/libc.ts'
import { NftTable } from '#kernel/nft.ts'
import type { NftElement } from '#kernel/nft-elements.ts'
import { COMPARE, META, PAYLOAD, REJECT, VERDICT } from '#kernel/nft-expressions.ts'
import { type KeySet, TableScript } from '#kernel/nft-rules.ts'
import { DATA_TYPE, joinedType } from '#kernel/nft-wire.ts'
import { ipBytes, isIpv6 } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import { PROTOCOL } from '#model/packet.ts'

/** What passes through this machine has no socket here that could be closed: the kernel ends it for us. */
export interface ForwardedEnder {
  /** False where the kernel does not do that, or it is no TCP or UDP. */
  end(connection: Ends): boolean
  /** `keep`: what was ended stays so without us, until it is forgotten. */
  stop(keep: boolean): void
}

export type Ends = Pick<Connection, 'protocol' | 'source' | 'sourcePort' | 'target' | 'targetPort'>

/** Ahead of the blocks and the rules, which count no packet of what is over. */
const CHAIN = { number: 2, priority: -161 }
/** Both ends have given up by then, also one that is silent between two retransmissions. */
const LASTS_MS = 180_000
const SIZE = 8_192
const TCP = Uint8Array.of(PROTOCOL.tcp)

const typeOf = (address: number): number =>
  joinedType(DATA_TYPE.byte, address, DATA_TYPE.port, address, DATA_TYPE.port)

/**
 * A key is protocol, source, port, target, port, each in words of four bytes; `at` are the registers of the words (NFT_REG32_00
 * is 8, the same as the first of register 1).
 */
const FAMILIES = [
  {
    family: 2,
    set: 'ended4',
    type: typeOf(DATA_TYPE.address4),
    bytes: 4,
    source: 12,
    target: 16,
    at: [9, 10, 11, 12],
  },
  {
    family: 10,
    set: 'ended6',
    type: typeOf(DATA_TYPE.address6),
    bytes: 16,
    source: 8,
    target: 24,
    at: [9, 13, 14, 18],
  },
] as const

/**
 * Ends forwarded connections one by one, in a table of its own. To make connection tracking forget one is not enough: the next
 * packet may be an answer, by which it would begin anew the other way round, and pass (nf_conntrack_tcp_loose).
 */
export function createForwardedEnder(table: string): ForwardedEnder {
  let opened: NftTable | undefined
  return {
    end(connection) {
      if (connection.protocol !== PROTOCOL.tcp && connection.protocol !== PROTOCOL.udp) return false
      try {
        opened ??= openTable(table)
      } catch (error) {
        if (error instanceof KernelError) return false
        throw error
      }
      const set = isIpv6(connection.source) ? 'ended6' : 'ended4'
      return opened?.addMany([{ set, elements: bothWays(connection) }]) === 0
    },
    stop(keep) {
      if (!keep) opened?.remove()
      opened?.close()
      opened = undefined
    },
  }
}

/** Undefined where the kernel refuses it. */
function openTable(name: string): NftTable | undefined {
  const table = new NftTable(name)
  const errno = table.transact((writer, next) => writeTable(new TableScript(writer, name, next).begin()))
  if (errno === 0) return table
  table.close()
  return undefined
}

/** TCP is told to both ends as they go on sending, the rest is silent. */
function writeTable(script: TableScript): void {
  script.chain('over').chain('forward', CHAIN)
  script.rule('over', '', (rule) =>
    rule.meta(META.protocol).compare(COMPARE.equal, TCP).counter().reject(REJECT.reset),
  )
  script.rule('over', '', (rule) => rule.counter().verdict(VERDICT.drop))
  for (const { family, set, type, bytes, source, target, at } of FAMILIES) {
    script.set(setOf(set, type, bytes))
    script.rule('forward', '', (rule) =>
      rule
        .meta(META.family)
        .compare(COMPARE.equal, Uint8Array.of(family))
        .meta(META.protocol)
        .payload({ base: PAYLOAD.network, offset: source, bytes }, at[0])
        .payload({ base: PAYLOAD.transport, offset: 0, bytes: 2 }, at[1])
        .payload({ base: PAYLOAD.network, offset: target, bytes }, at[2])
        .payload({ base: PAYLOAD.transport, offset: 2, bytes: 2 }, at[3])
        .lookUp(set)
        .goTo('over'),
    )
  }
}

const setOf = (name: string, type: number, bytes: number): KeySet => ({
  ...{ name, type, keyBytes: 12 + 2 * bytes },
  ...{ isTimed: true, isHashed: { size: SIZE } },
})

function bothWays({ protocol, source, sourcePort, target, targetPort }: Ends): NftElement[] {
  const [from, to] = [ipBytes(source), ipBytes(target)]
  return [
    { key: keyOf(protocol, [from, sourcePort], [to, targetPort]), timeoutMs: LASTS_MS },
    { key: keyOf(protocol, [to, targetPort], [from, sourcePort]), timeoutMs: LASTS_MS },
  ]
}

type End = readonly [address: Uint8Array, port: number]

function keyOf(protocol: number, ...ends: readonly [End, End]): Uint8Array {
  const words = ends.flatMap(([address, port]) => [...address, port >> 8, port & 255, 0, 0])
  return Uint8Array.from([protocol, 0, 0, 0, ...words])
}
