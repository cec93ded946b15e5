import type { ConnectionTracking } from '#kernel/conntrack.ts'
import { readRawSockets } from '#kernel/raw-sockets.ts'
import type { SocketDiag } from '#kernel/sock-diag.ts'
import { SOCKET_STATE, SocketTable, type SocketWords } from '#kernel/socket-table.ts'
import { formatIpv4, formatIpv6, ipBytes, parseIp } from '#model/address.ts'
import type { SocketKey } from '#model/owner.ts'
import { PROTOCOL } from '#model/packet.ts'
import type { FoundSocket } from './owner-source.ts'

const NO_PEER = new Uint32Array(4)

/**
 * Finds the socket of a flow in this network namespace: by asking the kernel for this one (microseconds), or in a
 * table of all, which also knows sockets bound to a device.
 */
export class SocketFinder {
  readonly #diag: SocketDiag
  readonly #tracking: Pick<ConnectionTracking, 'socketEnds'> | undefined
  readonly #table = new SocketTable()

  constructor(diag: SocketDiag, tracking?: Pick<ConnectionTracking, 'socketEnds'>) {
    this.#diag = diag
    this.#tracking = tracking
  }

  /** The flow's own socket, else the one that listens at its local end. */
  ask(key: SocketKey): FoundSocket | undefined {
    const words = wordsOf(key)
    if (!words) return undefined
    const found = this.#diag.find(words)
    if (found && found.inode !== 0) return { ...found, match: matchOf(words.protocol, found.state) }
    if (!found || words.protocol !== PROTOCOL.tcp) return undefined
    // Nobody holds a TIME_WAIT or half-open socket: whoever listens there took the connection, if it came in.
    const listener = this.#diag.find({ ...words, peer: NO_PEER, peerPort: 0 })
    return listener && listener.inode !== 0 ? { ...listener, match: 'listener' } : undefined
  }

  /** The key as the socket has it, of a key as packets have it; undefined where addresses are not translated. */
  translated(key: SocketKey): SocketKey | undefined {
    const words = wordsOf(key)
    const ends = words && this.#tracking?.socketEnds(words)
    return ends && keyOf(ends)
  }

  /** A raw or ping socket of this protocol; where several programs have one, which of them sends is not known. */
  raw(protocol: number): FoundSocket | undefined {
    const found = readRawSockets().find((socket) => socket.protocol === protocol)
    return found && { inode: found.inode, uid: found.uid, cookie: 0n, match: 'own' }
  }

  refreshTable(): void {
    this.#diag.fill(this.#table)
  }

  /** The same in the table of the last `refreshTable`. */
  lookUp(key: SocketKey): FoundSocket | undefined {
    const words = wordsOf(key)
    const row = words && this.#table.find(words)
    return row === undefined ? undefined : foundAt(this.#table, row)
  }
}

/** One row of a table as owner sources want it. */
export function foundAt(table: SocketTable, row: number): FoundSocket {
  return {
    inode: table.inode[row] as number,
    uid: table.uid[row] as number,
    cookie: (BigInt(table.cookie[row * 2 + 1] as number) << 32n) | BigInt(table.cookie[row * 2] as number),
    match: matchOf(table.protocol[row] as number, table.state[row] as number),
  }
}

/** Undefined for what has no socket table (ICMP, SCTP, …) and for text that is no address. */
export function wordsOf(key: SocketKey): SocketWords | undefined {
  if (key.protocol !== PROTOCOL.tcp && key.protocol !== PROTOCOL.udp) return undefined
  const local = parseIp(key.localAddress)
  const peer = parseIp(key.peerAddress)
  if (!local || !peer) return undefined
  const [localBytes, peerBytes] = [ipBytes(local), ipBytes(peer)]
  if (localBytes.length !== peerBytes.length) return undefined
  return {
    protocol: key.protocol,
    version: localBytes.length === 4 ? 4 : 6,
    local: toWords(localBytes),
    localPort: key.localPort,
    peer: toWords(peerBytes),
    peerPort: key.peerPort,
  }
}

const keyOf = ({ protocol, version, local, localPort, peer, peerPort }: SocketWords): SocketKey => ({
  protocol,
  localAddress: addressOf(version, local),
  localPort,
  peerAddress: addressOf(version, peer),
  peerPort,
})

const addressOf = (version: number, [w0 = 0, w1 = 0, w2 = 0, w3 = 0]: Uint32Array): string =>
  version === 4 ? formatIpv4(w0) : formatIpv6(w0, w1, w2, w3)

function toWords(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const words = new Uint32Array(4)
  for (let at = 0; at + 4 <= bytes.length; at += 4) words[at / 4] = view.getUint32(at)
  return words
}

/** An unconnected UDP socket sends and receives itself: it is the flow's own. */
const matchOf = (protocol: number, state: number): FoundSocket['match'] =>
  protocol === PROTOCOL.tcp && state === SOCKET_STATE.listen ? 'listener' : 'own'
