import { hash } from 'node:crypto'
import { readWords } from '#lib/address-words.ts'
import type { Ip } from '#model/address.ts'
import { PROTOCOL } from '#model/packet.ts'

/** A flow's five numbers; for ICMP the ports are what Packet says of them. */
export interface Tuple {
  readonly protocol: number
  readonly source: Ip
  readonly target: Ip
  readonly sourcePort: number
  readonly targetPort: number
}

const SEED = 0
const hasPorts = new Set<number>([PROTOCOL.icmp, PROTOCOL.tcp, PROTOCOL.udp, PROTOCOL.icmpv6, PROTOCOL.sctp])

/** ICMP types that make flows of two directions: only these may be turned round. */
const twoWay: Readonly<Record<number, ReadonlySet<number>>> = {
  [PROTOCOL.icmp]: new Set([0, 8, 9, 10, 13, 14, 15, 16, 17, 18]),
  [PROTOCOL.icmpv6]: new Set([128, 129, 130, 131, 133, 134, 135, 136, 139, 140, 144, 145]),
}

/** Seed (2 bytes), addresses, protocol, padding, ports: of IPv6 with ports, the longest. */
const input = Buffer.alloc(40)
const sourceWords = new Uint32Array(4)
const targetWords = new Uint32Array(4)

/**
 * Community ID v1 with seed 0 (github.com/corelight/community-id-spec): one text for both directions of a flow, the
 * same in every tool that speaks it. Allocates: for reports only.
 */
export function communityId(tuple: Tuple): string {
  const words = readWords(tuple.source, sourceWords) ? 4 : 1
  readWords(tuple.target, targetWords)
  const turned = mayTurn(tuple) && isAfter(tuple)
  let at = input.writeUInt16BE(SEED, 0)
  at = writeWords(turned ? targetWords : sourceWords, words, at)
  at = writeWords(turned ? sourceWords : targetWords, words, at)
  at = input.writeUInt16BE(tuple.protocol << 8, at)
  if (hasPorts.has(tuple.protocol)) {
    at = input.writeUInt16BE((turned ? tuple.targetPort : tuple.sourcePort) & 0xffff, at)
    at = input.writeUInt16BE((turned ? tuple.sourcePort : tuple.targetPort) & 0xffff, at)
  }
  return `1:${hash('sha1', input.subarray(0, at), 'base64')}`
}

const mayTurn = (tuple: Tuple): boolean => twoWay[tuple.protocol]?.has(tuple.sourcePort) ?? true

function isAfter({ sourcePort, targetPort }: Tuple): boolean {
  for (let at = 0; at < 4; at++) {
    const [source, target] = [sourceWords[at] as number, targetWords[at] as number]
    if (source !== target) return source > target
  }
  return sourcePort > targetPort
}

function writeWords(words: Uint32Array, count: number, from: number): number {
  let at = from
  for (let word = 0; word < count; word++) at = input.writeUInt32BE(words[word] as number, at)
  return at
}
