import { AF_INET, AF_INET6 } from './libc.ts'
import { eachAttribute, NETLINK, NetlinkSocket, NetlinkWriter, REQUEST } from './netlink.ts'
import type { SocketWords } from './socket-table.ts'

/** Numbers of linux/netfilter/nfnetlink_conntrack.h. */
const GET = 0x101
const DELETE = 0x102
const NFGENMSG_BYTES = 4
const TUPLE = { original: 1, reply: 2, address: 1, protocol: 2 } as const
const ADDRESS = { source4: 1, target4: 2, source6: 3, target6: 4 } as const
const PROTOCOL = { number: 1, sourcePort: 2, targetPort: 3 } as const

type Span = readonly [start: number, end: number]
const NOWHERE: Span = [0, 0]

/** One direction of a tracked connection. */
interface Tuple {
  readonly source: Uint32Array
  readonly sourcePort: number
  readonly target: Uint32Array
  readonly targetPort: number
}

/** What the kernel's connection tracking knows of a connection whose addresses it translates (NAT). */
export class ConnectionTracking {
  readonly #netlink = new NetlinkSocket(NETLINK.netfilter, { nonblocking: true })
  readonly #writer = new NetlinkWriter(256)
  #sequence = 0

  /**
   * The ends as the socket has them, of ends as packets on the wire have them. Undefined where nothing is translated, or
   * tracking knows nothing or may not be asked. About 10 µs.
   */
  socketEnds(wire: SocketWords): SocketWords | undefined {
    const tuples = new Map<number, Tuple>()
    this.#netlink.send(this.#request(GET, wire))
    const errno = this.#netlink.exchange(this.#sequence, this.#sequence, (_type, view, start, end) => {
      for (const [type, [from, to]] of valuesIn(view, start + NFGENMSG_BYTES, end)) {
        if (type === TUPLE.original || type === TUPLE.reply) tuples.set(type, tupleOf(view, from, to))
      }
    })
    const [original, reply] = [tuples.get(TUPLE.original), tuples.get(TUPLE.reply)]
    if (errno !== 0 || !original || !reply) return undefined
    // We asked for the direction towards us: the other one leaves by the socket.
    const outward = isTowards(original, wire) ? reply : original
    const ends = {
      ...wire,
      local: outward.source,
      localPort: outward.sourcePort,
      peer: outward.target,
      peerPort: outward.targetPort,
    }
    return isSame(ends, wire) ? undefined : ends
  }

  /** Forgets the connection: its next packet is judged as a new one. False where tracking knows nothing of it. */
  forget(wire: SocketWords): boolean {
    this.#netlink.send(this.#request(DELETE, wire))
    return this.#netlink.exchange(this.#sequence, this.#sequence, () => {}) === 0
  }

  close(): void {
    this.#netlink.close()
  }

  #request(
    message: number,
    { version, protocol, local, localPort, peer, peerPort }: SocketWords,
  ): Uint8Array {
    const isIpv4 = version === 4
    const header = Uint8Array.of(isIpv4 ? AF_INET : AF_INET6, 0, 0, 0)
    const writer = this.#writer
      .reset()
      .begin(message, REQUEST.request | REQUEST.ack, ++this.#sequence, header)
    const tuple = writer.nest(TUPLE.original)
    const addresses = writer.nest(TUPLE.address)
    writer.bytes(isIpv4 ? ADDRESS.source4 : ADDRESS.source6, bytesOf(peer, version))
    writer.bytes(isIpv4 ? ADDRESS.target4 : ADDRESS.target6, bytesOf(local, version)).close(addresses)
    const protocols = writer.nest(TUPLE.protocol)
    writer.uint8(PROTOCOL.number, protocol)
    writer.bytes(PROTOCOL.sourcePort, Uint8Array.of(peerPort >> 8, peerPort & 255))
    writer.bytes(PROTOCOL.targetPort, Uint8Array.of(localPort >> 8, localPort & 255))
    return writer.close(protocols).close(tuple).end().output()
  }
}

function tupleOf(view: DataView, start: number, end: number): Tuple {
  const parts = valuesIn(view, start, end)
  const [addresses = NOWHERE, protocol = NOWHERE] = [parts.get(TUPLE.address), parts.get(TUPLE.protocol)]
  const address = valuesIn(view, ...addresses)
  const ports = valuesIn(view, ...protocol)
  const portAt = ([at, until]: Span = NOWHERE): number => (until - at >= 2 ? view.getUint16(at) : 0)
  return {
    source: wordsAt(view, address.get(ADDRESS.source4) ?? address.get(ADDRESS.source6)),
    sourcePort: portAt(ports.get(PROTOCOL.sourcePort)),
    target: wordsAt(view, address.get(ADDRESS.target4) ?? address.get(ADDRESS.target6)),
    targetPort: portAt(ports.get(PROTOCOL.targetPort)),
  }
}

/** Where the values of a list of attributes are, by type. */
function valuesIn(view: DataView, start: number, end: number): Map<number, Span> {
  const values = new Map<number, Span>()
  eachAttribute(view, start, end, (type, from, to) => values.set(type, [from, to]))
  return values
}

function wordsAt(view: DataView, [start, end]: Span = NOWHERE): Uint32Array {
  const words = new Uint32Array(4)
  for (let word = 0; word < 4 && start + word * 4 + 4 <= end; word++)
    words[word] = view.getUint32(start + word * 4)
  return words
}

const isTowards = ({ source, sourcePort, target, targetPort }: Tuple, wire: SocketWords): boolean =>
  isSame({ ...wire, local: target, localPort: targetPort, peer: source, peerPort: sourcePort }, wire)

const isSame = (a: SocketWords, b: SocketWords): boolean =>
  a.localPort === b.localPort &&
  a.peerPort === b.peerPort &&
  a.local.every((word, at) => word === b.local[at]) &&
  a.peer.every((word, at) => word === b.peer[at])

function bytesOf(words: Uint32Array, version: number): Uint8Array {
  const bytes = new Uint8Array(version === 4 ? 4 : 16)
  const view = new DataView(bytes.buffer)
  for (let at = 0; at < bytes.length; at += 4) view.setUint32(at, words[at / 4] as number)
  return bytes
}
