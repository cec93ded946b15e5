import type { Connection } from '#model/flow.ts'
import { isKernels, KERNEL } from '#model/kernel-traffic.ts'
import type { Owner, SocketKey } from '#model/owner.ts'
import { ownerKeyOf } from '#model/standpoint.ts'

/** A socket that nobody knows now may be found at the next look; after so many it will not. */
const TRIES = 3
const CAPACITY = 20_000
/**
 * A connection that is half open has no socket of its own: the answer is who listens. A flood opens ten thousands a
 * second, and asking for them all would keep us from what ends it.
 */
const HALF_OPEN_PER_SECOND = 100

export interface OwnerSource {
  ownerOf(key: SocketKey): Owner | undefined
  request(keys: readonly SocketKey[]): void
}

export interface OwnerAnswer {
  readonly key: SocketKey
  /** Absent when nobody could say. */
  readonly owner?: Owner
}

/** Brings connections and their owners together: at once where known, later where it has to be asked. */
export interface OwnerDesk {
  /** The connections, each with its owner where that is known; asks for the rest. */
  attach(connections: readonly Connection[]): Connection[]
  /** Takes answers; gives the connections that they complete, as last seen. */
  complete(answers: readonly OwnerAnswer[]): Connection[]
}

interface Waiting {
  connection: Connection
  tries: number
  isAsked: boolean
}

/** `now` in milliseconds. */
export function createOwnerDesk(source: OwnerSource, now: () => number): OwnerDesk {
  /** By socket: one waits for each, the newest. */
  const waiting = new Map<string, Waiting>()
  /** By flow: a closing socket has no owner any more, but its flow had one. `nobody`: asked often enough. */
  const known = new Map<number, Owner | 'nobody'>()

  function look(connection: Connection, wanted: SocketKey[]): Connection {
    if (isKernels(connection)) return { ...connection, owner: KERNEL }
    const key = ownerKeyOf(connection)
    if (!key) return connection
    const owner = known.get(connection.id) ?? firstOwner(connection, key)
    if (owner === 'nobody') return giveUp(connection)
    if (owner) return settle(connection, owner)
    wait(connection, key, wanted)
    return connection
  }

  /** The cache may hold the owner of an older flow on the same five numbers: only an answer to our question counts. */
  function firstOwner(connection: Connection, key: SocketKey): Owner | undefined {
    const asked = waiting.get(textOf(key))
    return asked?.connection.id === connection.id ? source.ownerOf(key) : undefined
  }

  let [second, halfOpen] = [0, 0]
  function hasShare(): boolean {
    const present = Math.floor(now() / 1000)
    if (present !== second) [second, halfOpen] = [present, 0]
    return ++halfOpen <= HALF_OPEN_PER_SECOND
  }

  function giveUp(connection: Connection): Connection {
    if (connection.ended !== undefined) known.delete(connection.id)
    else if (known.size < CAPACITY) known.set(connection.id, 'nobody')
    return connection
  }

  function settle(connection: Connection, owner: Owner): Connection {
    if (connection.ended !== undefined) known.delete(connection.id)
    else if (known.size < CAPACITY) known.set(connection.id, owner)
    return { ...connection, owner }
  }

  function wait(connection: Connection, key: SocketKey, wanted: SocketKey[]): void {
    const text = textOf(key)
    const before = waiting.get(text)
    if (before === undefined && isHalfOpen(connection) && !hasShare()) return
    const entry =
      before?.connection.id === connection.id ? before : { connection, tries: TRIES, isAsked: false }
    entry.connection = connection
    if (before === undefined && waiting.size >= CAPACITY) return
    waiting.set(text, entry)
    if (entry.isAsked || entry.tries === 0) return
    entry.isAsked = true
    entry.tries--
    wanted.push(key)
  }

  return {
    attach(connections) {
      const wanted: SocketKey[] = []
      const attached = connections.map((connection) => look(connection, wanted))
      if (wanted.length > 0) source.request(wanted)
      return attached
    },
    complete: (answers) => answers.flatMap((answer) => take(answer) ?? []),
  }

  function take({ key, owner }: OwnerAnswer): Connection | undefined {
    const text = textOf(key)
    const entry = waiting.get(text)
    if (!entry) return undefined
    entry.isAsked = false
    const isLast = entry.tries === 0 || entry.connection.ended !== undefined
    if (owner || isLast) waiting.delete(text)
    if (owner) return settle(entry.connection, owner)
    if (isLast) giveUp(entry.connection)
    return undefined
  }
}

const isHalfOpen = ({ direction, state }: Connection): boolean =>
  direction === 'inbound' && (state === 'syn-sent' || state === 'syn-received')

const textOf = (key: SocketKey): string =>
  `${key.protocol} ${key.localAddress} ${key.localPort} ${key.peerAddress} ${key.peerPort}`
