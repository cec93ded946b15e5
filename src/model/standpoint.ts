import type { Ip } from './address.ts'
import type { Connection, Direction, FlowRecord } from './flow.ts'
import type { SocketKey } from './owner.ts'
import { PROTOCOL } from './packet.ts'

/** What tells this machine's traffic from others'. */
export interface Standpoint {
  isOwn(address: Ip): boolean
}

/** Group addresses (multicast, broadcast) count as ours when somebody else sends to them. */
export function directionOf(flow: Pick<FlowRecord, 'source' | 'target'>, { isOwn }: Standpoint): Direction {
  const [fromUs, toUs] = [isOwn(flow.source), isOwn(flow.target)]
  if (fromUs && toUs) return 'local'
  if (fromUs) return 'outbound'
  return toUs || isGroup(flow.target) ? 'inbound' : 'forward'
}

/** How the kernel knows the connection's socket here; a forwarded one has none, nor has ICMP. */
export function socketKeyOf(connection: Connection): SocketKey | undefined {
  const { direction, protocol } = connection
  if (direction === 'forward' || !hasSocket(protocol)) return undefined
  return keyOf(connection)
}

/**
 * The key to ask for an owner by: also of ICMP and its like, which a program may send. A forwarded connection is asked
 * for by the end that opened it: that may be a container of this machine.
 */
export function ownerKeyOf(connection: Connection): SocketKey | undefined {
  if (connection.direction !== 'forward') return keyOf(connection)
  return hasSocket(connection.protocol) ? { ...keyOf(connection), isForwarded: true } : undefined
}

const hasSocket = (protocol: number): boolean => protocol === PROTOCOL.tcp || protocol === PROTOCOL.udp

function keyOf({ direction, protocol, source, sourcePort, target, targetPort }: Connection): SocketKey {
  return direction === 'inbound'
    ? { protocol, localAddress: target, localPort: targetPort, peerAddress: source, peerPort: sourcePort }
    : { protocol, localAddress: source, localPort: sourcePort, peerAddress: target, peerPort: targetPort }
}

const isGroup = (address: Ip): boolean => /^(22[4-9]|23\d)\.|^255\.255\.255\.255$|^ff/.test(address)
