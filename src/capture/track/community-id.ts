import { createHash } from 'node:crypto'
import { type Ip, ipBytes } from '#model/address.ts'
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

/**
 * Community ID v1 with seed 0 (github.com/corelight/community-id-spec): one text for both directions of a flow, the
 * same in every tool that speaks it. Allocates: for reports only.
 */
export function communityId(tuple: Tuple): string {
  const source = ipBytes(tuple.source)
  const target = ipBytes(tuple.target)
  const turned = mayTurn(tuple) && isAfter(source, target, tuple)
  const [first, second] = turned ? [target, source] : [source, target]
  const [firstPort, secondPort] = turned
    ? [tuple.targetPort, tuple.sourcePort]
    : [tuple.sourcePort, tuple.targetPort]
  const ports = hasPorts.has(tuple.protocol) ? [...bytes16(firstPort), ...bytes16(secondPort)] : []
  const input = Uint8Array.from([...bytes16(SEED), ...first, ...second, tuple.protocol, 0, ...ports])
  return `1:${createHash('sha1').update(input).digest('base64')}`
}

const mayTurn = (tuple: Tuple): boolean => twoWay[tuple.protocol]?.has(tuple.sourcePort) ?? true

const isAfter = (source: Uint8Array, target: Uint8Array, tuple: Tuple): boolean => {
  const order = Buffer.compare(source, target)
  return order > 0 || (order === 0 && tuple.sourcePort > tuple.targetPort)
}

const bytes16 = (value: number): readonly [number, number] => [(value >>> 8) & 255, value & 255]
