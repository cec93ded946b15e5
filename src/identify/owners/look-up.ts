import { SOCKET_STATE, type SocketTable } from '#kernel/socket-table.ts'
import { isKernelProtocol, KERNEL } from '#model/kernel-traffic.ts'
import type { Owner, SocketKey } from '#model/owner.ts'
import { PROTOCOL } from '#model/packet.ts'
import type { ListedSockets, OwnerAnswer } from './messages.ts'
import { CONFIDENCE } from './owner-maker.ts'
import type { FoundSocket, OwnerSource } from './owner-source.ts'
import { foundAt, type SocketFinder } from './socket-finder.ts'

/** A key whose socket or owner is not known yet. */
interface Waiting {
  readonly key: SocketKey
  /** What is looked for: the same, or as the socket has it behind address translation. */
  readonly as: SocketKey
  socket: FoundSocket | undefined
  tries: number
}

const MAX_WAITING = 16_384
const MAX_TRIES = 2
const UNKNOWN = -1

/**
 * From flows to owners: the socket first, then the program that has it. `ask` answers what is known at once and keeps
 * the rest; `refresh` does the long work for all of them together. Whoever owns this object paces `refresh`.
 */
export class LookUp {
  readonly #sockets: SocketFinder
  readonly #sources: readonly OwnerSource[]
  #waiting: Waiting[] = []

  constructor(sockets: SocketFinder, sources: readonly OwnerSource[]) {
    this.#sockets = sockets
    this.#sources = sources
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Looks each socket up while it is still there. What finds no room to wait is answered as unknown. */
  ask(keys: readonly SocketKey[], now: number): OwnerAnswer[] {
    const answers: OwnerAnswer[] = []
    for (const source of this.#sources) source.catchUp?.(now)
    for (const key of keys) {
      const owner = this.#remembered(key, now)
      if (owner) answers.push({ key, owner })
      // Not of this namespace: neither the socket table nor /proc would have it.
      else if (key.isForwarded) answers.push({ key })
      else if (!hasSocketTable(key)) this.#askRaw(key, now, answers)
      else this.#askSocket(key, now, answers)
    }
    return answers
  }

  /** Of ICMP and its like: who has a raw socket for the protocol; else the kernel sends it by itself. */
  #askRaw(key: SocketKey, now: number, answers: OwnerAnswer[]): void {
    const raw = this.#sockets.raw(key.protocol)
    if (raw) this.#answerOrWait({ key, as: key, socket: raw }, now, answers)
    else answers.push({ key, ...(isKernelProtocol(key.protocol) && { owner: KERNEL }) })
  }

  #askSocket(key: SocketKey, now: number, answers: OwnerAnswer[]): void {
    const socket = this.#sockets.ask(key)
    const as = socket ? undefined : this.#sockets.translated(key)
    const owner = as && this.#remembered(as, now)
    if (owner) answers.push({ key, owner })
    else if (as) this.#answerOrWait({ key, as, socket: this.#sockets.ask(as) }, now, answers)
    else this.#answerOrWait({ key, as: key, socket }, now, answers)
  }

  #answerOrWait(asked: Omit<Waiting, 'tries'>, now: number, answers: OwnerAnswer[]): void {
    const { key, as, socket } = asked
    const owner = this.#ownerNow(as, socket, now)
    if (owner) answers.push({ key, owner })
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push({ ...asked, tries: 0 })
    else answers.push({ key })
  }

  /** Reads the socket table where a key needs it, lets the sources learn, and answers. May take 100 ms and more. */
  refresh(now: number): OwnerAnswer[] {
    const waiting = this.#waiting
    this.#waiting = []
    this.#findLeftOut(waiting)
    const sockets = waiting.flatMap(({ socket }) => (socket ? [socket] : []))
    for (const source of this.#sources) source.learn(sockets, now)
    return waiting.flatMap((entry) => this.#settle(entry, now))
  }

  /** Owners for a whole table. */
  list(table: SocketTable, now: number): ListedSockets {
    for (const source of this.#sources) source.catchUp?.(now)
    const sockets: FoundSocket[] = []
    for (let row = 0; row < table.count; row++) sockets.push(foundAt(table, row))
    let unknown = sockets
    for (const source of this.#sources) {
      source.learn(unknown, now)
      unknown = unknown.filter((socket) => source.known(socket, now) === undefined)
    }
    const numbers = new Map<Owner, number>()
    const ownerOf = new Int32Array(table.count)
    for (const [row, socket] of sockets.entries()) {
      const owner = table.state[row] === SOCKET_STATE.timeWait ? undefined : this.#known(socket, now)
      ownerOf[row] = owner ? numberOf(numbers, owner) : UNKNOWN
    }
    return { columns: columnsOf(table), owners: [...numbers.keys()], ownerOf }
  }

  /** What is known of a socket without looking: it may have ended. */
  atOnce(key: SocketKey, socket: FoundSocket, now: number): Owner | undefined {
    return this.#remembered(key, now) ?? this.#known(socket, now)
  }

  /** Owners of sockets that no flow asked about, by cookie. May take 100 ms and more. */
  search(sockets: readonly FoundSocket[], now: number): Map<bigint, Owner> {
    let unknown = sockets
    for (const source of this.#sources) {
      source.learn(unknown, now)
      unknown = unknown.filter((socket) => source.known(socket, now) === undefined)
    }
    const found = new Map<bigint, Owner>()
    for (const socket of sockets) {
      const owner = this.#known(socket, now)
      if (owner) found.set(socket.cookie, owner)
    }
    return found
  }

  /** Sockets bound to a device escape the kernel's look-up; the table has them. */
  #findLeftOut(waiting: readonly Waiting[]): void {
    if (waiting.every((entry) => entry.socket)) return
    this.#sockets.refreshTable()
    for (const entry of waiting) entry.socket ??= this.#sockets.lookUp(entry.as)
  }

  #settle(entry: Waiting, now: number): OwnerAnswer[] {
    const { key, as, socket } = entry
    const owner = this.#remembered(as, now) ?? this.#ownerNow(as, socket, now)
    // pid 0: nobody holds it. Said of a socket that is still there only, else it was closed as we looked.
    const isSure = owner && (owner.pid !== 0 || this.#isStillThere(entry))
    if (isSure) return [{ key, owner }]
    if (!socket || owner || ++entry.tries >= MAX_TRIES) return [{ key }]
    this.#waiting.push(entry)
    return []
  }

  #isStillThere({ as, socket }: Waiting): boolean {
    const again = this.#sockets.ask(as) ?? this.#sockets.lookUp(as)
    return again !== undefined && again.cookie === socket?.cookie
  }

  #remembered(key: SocketKey, now: number): Owner | undefined {
    for (const source of this.#sources) {
      const owner = source.remembered?.(key, now)
      if (owner) return owner
    }
    return undefined
  }

  /** Each source in turn, best first: the socket itself, else who takes what comes in there. */
  #ownerNow(key: SocketKey, socket: FoundSocket | undefined, now: number): Owner | undefined {
    for (const source of this.#sources) {
      const owner = (socket && source.known(socket, now)) ?? this.#likely(source, { key, socket }, now)
      if (owner) return socket?.match === 'listener' ? asGuess(owner) : owner
    }
    return undefined
  }

  /** Where nothing is there, TCP took nothing in: then nobody is likely. A UDP socket may have been closed since. */
  #likely(
    source: OwnerSource,
    { key, socket }: { readonly key: SocketKey; readonly socket: FoundSocket | undefined },
    now: number,
  ): Owner | undefined {
    const isTaken = key.protocol === PROTOCOL.udp ? socket === undefined : socket !== undefined
    return isTaken ? source.likely?.(key, now) : undefined
  }

  #known(socket: FoundSocket, now: number): Owner | undefined {
    for (const source of this.#sources) {
      const owner = source.known(socket, now)
      if (owner) return owner
    }
    return undefined
  }
}

const hasSocketTable = ({ protocol }: SocketKey): boolean =>
  protocol === PROTOCOL.tcp || protocol === PROTOCOL.udp

/** The flow's own socket is gone or not yet there: that the listener's program has it is likely, not certain. */
const asGuess = (owner: Owner): Owner =>
  owner.source === 'scan' ? { ...owner, source: 'guess', confidence: CONFIDENCE.guess } : owner

function numberOf(numbers: Map<Owner, number>, owner: Owner): number {
  const known = numbers.get(owner)
  if (known !== undefined) return known
  numbers.set(owner, numbers.size)
  return numbers.size - 1
}

function columnsOf(table: SocketTable): ListedSockets['columns'] {
  const { count, protocol, version, state, onlyIpv6, localPort, peerPort, local, peer, inode, uid, cookie } =
    table
  return { count, protocol, version, state, onlyIpv6, localPort, peerPort, local, peer, inode, uid, cookie }
}
