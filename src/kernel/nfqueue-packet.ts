import type { SocketWords } from './socket-table.ts'

const TCP = 6
const UDP = 17
const IPV4_BYTES = 20
const IPV6_BYTES = 40
const PORTS_BYTES = 4

/**
 * The five numbers of a packet that leaves this machine, [start, end) from its IP header on. Undefined for what is
 * neither TCP nor UDP, is cut off, or has IPv6 extension headers.
 */
export function outgoingEnds(view: DataView, start: number, end: number): SocketWords | undefined {
  if (end - start < IPV4_BYTES) return undefined
  const version = view.getUint8(start) >> 4
  if (version === 4) {
    const portsAt = start + (view.getUint8(start) & 15) * 4
    return endsAt({ view, end, version, protocol: view.getUint8(start + 9), from: start + 12, portsAt })
  }
  if (version !== 6 || end - start < IPV6_BYTES) return undefined
  const protocol = view.getUint8(start + 6)
  return endsAt({ view, end, version, protocol, from: start + 8, portsAt: start + IPV6_BYTES })
}

interface Place {
  readonly view: DataView
  readonly end: number
  readonly version: 4 | 6
  readonly protocol: number
  /** Of the source address; the target's follows. */
  readonly from: number
  readonly portsAt: number
}

function endsAt({ view, end, version, protocol, from, portsAt }: Place): SocketWords | undefined {
  const isTaken = protocol === TCP || protocol === UDP
  if (!isTaken || portsAt < from + 8 || portsAt + PORTS_BYTES > end) return undefined
  const words = version === 4 ? 1 : 4
  const addressAt = (at: number): Uint32Array => {
    const address = new Uint32Array(4)
    for (let word = 0; word < words; word++) address[word] = view.getUint32(at + word * 4)
    return address
  }
  return {
    protocol,
    version,
    local: addressAt(from),
    localPort: view.getUint16(portsAt),
    peer: addressAt(from + words * 4),
    peerPort: view.getUint16(portsAt + 2),
  }
}
