import type { Connection } from '#model/flow.ts'

const CAPACITY = 50_000

/** A connection as it is now, with its speed. */
export interface LiveConnection extends Connection {
  /** Bytes per second since the last report. */
  readonly rateForward: number
  readonly rateBackward: number
}

/** What is new since the last look. */
export interface LiveChange {
  readonly changed: readonly LiveConnection[]
  readonly gone: readonly number[]
}

/** The connections that are open now. Bounded: beyond it new ones are counted, not listed. */
export interface LiveConnections {
  see(connections: readonly Connection[], now: number): void
  /** A connection that no report mentions any more stands still: to be called a few times a second. */
  settle(now: number): void
  /** The same connections with their owners; those that are over are passed by. */
  complete(connections: readonly Connection[]): void
  all(): LiveConnection[]
  byId(id: number): LiveConnection | undefined
  byPeer(peer: string): LiveConnection[]
  /** New, changed and ended since the last call; of the changed at most `limit`, the rest stays for the next call. */
  takeChange(limit: number): LiveChange
  /** Those of the changed that no call has taken yet: somebody who looks on wants to see them at once. */
  takeNew(limit: number): LiveConnection[]
  /** Sums of the last report's rates, seen from this machine. */
  rates(): { readonly inbound: number; readonly outbound: number }
  readonly count: number
  readonly unlisted: number
}

interface Known {
  connection: LiveConnection
  at: number
}

export function createLiveConnections(capacity = CAPACITY): LiveConnections {
  const byId = new Map<number, Known>()
  const moving = new Moving()
  let changed = new Map<number, LiveConnection>()
  let gone: number[] = []
  const untold = new Set<number>()
  let unlisted = 0

  function end(connection: Connection): void {
    if (!byId.delete(connection.id)) return
    moving.forget(connection.id)
    changed.delete(connection.id)
    untold.delete(connection.id)
    gone.push(connection.id)
  }

  function update(connection: Connection, now: number): void {
    const known = byId.get(connection.id)
    if (!known && byId.size >= capacity) {
      unlisted++
      return
    }
    if (!known) untold.add(connection.id)
    const live = { ...connection, ...ratesOf(connection, known, now) }
    const entry = { connection: live, at: now }
    byId.set(connection.id, entry)
    changed.set(connection.id, live)
    moving.note(entry)
  }

  return {
    see(connections, now) {
      for (const connection of connections) {
        if (connection.ended === undefined) update(connection, now)
        else end(connection)
      }
    },
    settle(now) {
      for (const known of moving.takeSilent(now)) {
        known.connection = { ...known.connection, rateForward: 0, rateBackward: 0 }
        changed.set(known.connection.id, known.connection)
      }
    },
    complete(connections) {
      for (const { id, owner, name, nameSource } of connections) {
        const known = byId.get(id)
        if (!known || !owner) continue
        known.connection = { ...known.connection, owner, ...(name && nameSource && { name, nameSource }) }
        changed.set(id, known.connection)
      }
    },
    all: () => [...byId.values()].map((known) => known.connection),
    byId: (id) => byId.get(id)?.connection,
    byPeer: (peer) =>
      [...byId.values()].flatMap(({ connection }) => (connection.peer === peer ? [connection] : [])),
    takeChange(limit) {
      const waiting = [...changed.values()]
      const change = { changed: waiting.slice(0, limit), gone }
      changed = new Map(waiting.slice(limit).map((connection) => [connection.id, connection]))
      gone = []
      for (const { id } of change.changed) untold.delete(id)
      return change
    },
    takeNew(limit) {
      const fresh = [...untold].slice(0, limit).flatMap((id) => changed.get(id) ?? [])
      for (const { id } of fresh) {
        untold.delete(id)
        changed.delete(id)
      }
      return fresh
    },
    rates: () => moving.rates(),
    get count() {
      return byId.size
    },
    get unlisted() {
      return unlisted
    },
  }
}

/** Those with a rate, the longest unmentioned first: in a flood there are thousands of others that nobody need look at. */
class Moving {
  readonly #byId = new Map<number, Known>()

  note(known: Known): void {
    const { id, rateForward, rateBackward } = known.connection
    this.#byId.delete(id)
    if (rateForward > 0 || rateBackward > 0) this.#byId.set(id, known)
  }

  forget(id: number): void {
    this.#byId.delete(id)
  }

  /** Those that no report mentions any more. */
  *takeSilent(now: number): Generator<Known> {
    for (const [id, known] of this.#byId) {
      if (now - known.at < STILL_AFTER_MS) return
      this.#byId.delete(id)
      yield known
    }
  }

  rates(): { readonly inbound: number; readonly outbound: number } {
    let [inbound, outbound] = [0, 0]
    for (const { connection } of this.#byId.values()) {
      const isOurs = connection.direction === 'outbound' || connection.direction === 'local'
      inbound += isOurs ? connection.rateBackward : connection.rateForward
      outbound += isOurs ? connection.rateForward : connection.rateBackward
    }
    return { inbound, outbound }
  }
}

const STILL_AFTER_MS = 1_500

function ratesOf(
  connection: Connection,
  known: Known | undefined,
  now: number,
): Pick<LiveConnection, 'rateForward' | 'rateBackward'> {
  const before = known?.connection
  const seconds = Math.max(0.25, (now - (known?.at ?? connection.openedAt)) / 1000)
  return {
    rateForward: Math.max(0, connection.bytesForward - (before?.bytesForward ?? 0)) / seconds,
    rateBackward: Math.max(0, connection.bytesBackward - (before?.bytesBackward ?? 0)) / seconds,
  }
}
