import { RecentMap } from '#lib/recent-map.ts'
import { type Ip, ip } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import type { Owner, SocketKey } from '#model/owner.ts'

export interface CalledPeersParts {
  /** Whom somebody called since the last time, and was kept from. */
  readonly takeCalled: () => readonly Ip[]
  /** Sockets of this machine as they are now, with their programs. */
  readonly listSockets: () => Promise<{
    readonly count: number
    at(row: number): SocketKey & { readonly owner?: Owner }
  }>
  readonly tell: (connection: Connection) => void
  readonly now: () => number
}

/** Told again after so long. */
const AGAIN_MS = 600_000
const CAPACITY = 10_000

/**
 * A packet that the kernel drops on its way out is seen by no capture: what a program called, and which program that
 * was, is found among the sockets that still try. Call a few times a second.
 */
export function createCalledPeers(parts: CalledPeersParts): () => Promise<void> {
  const told = new RecentMap<Ip, number>(CAPACITY)

  return async () => {
    const now = parts.now()
    const fresh = parts.takeCalled().filter((peer) => now - (told.get(peer) ?? -AGAIN_MS) >= AGAIN_MS)
    if (fresh.length === 0) return
    for (const peer of fresh) told.set(peer, now)
    const calling = await socketsTo(new Set(fresh), parts)
    for (const peer of fresh) parts.tell(connectionTo(peer, calling.get(peer), now))
  }
}

type Calling = SocketKey & { readonly owner?: Owner }

/** Nobody tells while the owners thread is away: then the address alone is told. */
async function socketsTo(
  peers: ReadonlySet<Ip>,
  { listSockets }: CalledPeersParts,
): Promise<ReadonlyMap<Ip, Calling>> {
  const found = new Map<Ip, Calling>()
  const sockets = await listSockets().catch(() => undefined)
  for (let row = 0; sockets && row < sockets.count; row++) {
    const socket = sockets.at(row)
    const peer = ip(socket.peerAddress)
    if (peers.has(peer)) found.set(peer, socket)
  }
  return found
}

/** As the capture would have told it, had the packet left. */
function connectionTo(peer: Ip, socket: Calling | undefined, now: number): Connection {
  const [localPort, peerPort] = [socket?.localPort ?? 0, socket?.peerPort ?? 0]
  return {
    ...{ id: 0, communityId: '', interfaceName: '', vlan: 0 },
    protocol: socket?.protocol ?? 0,
    source: ip(socket?.localAddress ?? (peer.includes(':') ? '::' : '0.0.0.0')),
    ...{ sourcePort: localPort, target: peer, targetPort: peerPort, state: 'syn-sent' },
    ...{
      openedAt: now,
      seenAt: now,
      packetsForward: 0,
      packetsBackward: 0,
      bytesForward: 0,
      bytesBackward: 0,
    },
    ...{ retransmitsForward: 0, retransmitsBackward: 0, tcpFlagsForward: 0, tcpFlagsBackward: 0 },
    ...{ direction: 'outbound', peer, peerPort, localPort },
    ...(socket?.owner && { owner: socket.owner }),
  }
}
