import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Connection } from '#model/flow.ts'
import { Dimensions, type OwnerKey, type PeerKey } from './dimensions.ts'
import { FirstSeenTable } from './first-seen-table.ts'
import { keyAfter } from './flow-key.ts'
import { type Growth, RollUp } from './roll-up.ts'
import { endedOf, originOf, progressOf, type Row } from './rows.ts'
import { scaleOf } from './scale.ts'

/**
 * Flows of one segment. Smaller ones make writing cheaper and searching dearer: with these 10 million flows are
 * 153 segments.
 */
const SEGMENT_FLOWS = 65_536

const PROGRESS = [
  'seen_at',
  'state',
  'packets_forward',
  'packets_backward',
  'bytes_forward',
  'bytes_backward',
  'handshake_ms',
  'retransmits_forward',
  'retransmits_backward',
  'tcp_flags_forward',
  'tcp_flags_backward',
]
const ORIGIN = [
  'flow',
  'community_id',
  'protocol',
  'interface',
  'vlan',
  'direction',
  'source',
  'source_port',
  'target',
  'target_port',
  'opened_at',
]
const KEYS = ['program', 'owner', 'name', 'country', 'asn', 'class', 'scale']
const COLUMNS = ['id', 'segment', 'run', ...ORIGIN, ...PROGRESS, 'ended', ...KEYS]

const placesOf = (names: readonly string[]): string => names.map((name) => `$${name}`).join(', ')
const settersOf = (names: readonly string[]): string => names.map((name) => `${name} = $${name}`).join(', ')

const STATEMENTS = {
  find: `SELECT id, segment, owner, name, country, asn, class, scale, bytes_forward, bytes_backward
    FROM flows WHERE run = $run AND flow = $flow AND ended IS NULL`,
  // Indexed columns are set apart, and only when they change: to set one is to move it in its index.
  progress: `UPDATE flows SET ${settersOf(PROGRESS)} WHERE id = $id`,
  sort: 'UPDATE flows SET class = $class, scale = $scale WHERE id = $id',
  own: 'UPDATE flows SET owner = $owner, program = $program WHERE id = $id',
  place: 'UPDATE flows SET name = $name, country = $country, asn = $asn WHERE id = $id',
  end: 'UPDATE flows SET ended = $ended WHERE id = $id',
  insert: `INSERT INTO flows (${COLUMNS.join(', ')}) VALUES (${placesOf(COLUMNS)})`,
  late: 'INSERT OR IGNORE INTO late_flows (segment, id) VALUES ($segment, $id)',
  note: 'UPDATE meta SET value = $value WHERE key = $key',
  open: `INSERT INTO segments (segment, first_id, min_opened, max_opened)
    VALUES ($segment, $first, $min, $max) ON CONFLICT (segment) DO UPDATE SET
    min_opened = min(min_opened, excluded.min_opened), max_opened = max(max_opened, excluded.max_opened)`,
} as const

interface Opened {
  readonly first: number
  min: number
  max: number
}

/** Writes the flows of one database. Its callers hold the transaction. */
export class FlowTable {
  readonly #db: DatabaseSync
  readonly #run: number
  readonly #segmentSize: number
  readonly #dimensions: Dimensions
  readonly #rollUp: RollUp
  readonly firstSeen: FirstSeenTable
  readonly #statements: Readonly<Record<keyof typeof STATEMENTS, StatementSync>>
  /** When the flows that this transaction adds were opened, by segment. */
  readonly #opened = new Map<number, Opened>()
  #isDoubtful = true
  #lastKey = 0
  #segment = 0
  #segmentFlows = 0

  constructor(db: DatabaseSync, run: number, segmentFlows = SEGMENT_FLOWS) {
    this.#db = db
    this.#run = run
    this.#segmentSize = segmentFlows
    this.#dimensions = new Dimensions(db)
    this.#rollUp = new RollUp(db)
    this.firstSeen = new FirstSeenTable(db)
    const prepared = Object.entries(STATEMENTS).map(([name, sql]) => [name, db.prepare(sql)])
    this.#statements = Object.fromEntries(prepared)
  }

  /** Keeps new flows, and brings those that go on up to date. `now` in milliseconds since the epoch. */
  save(connections: readonly Connection[], now: number): void {
    if (this.#isDoubtful) this.#reread()
    this.#opened.clear()
    let added = 0
    for (const connection of connections) {
      if (this.#update(connection, now)) continue
      this.#insert(connection, now)
      added++
    }
    this.#note('run', this.#run)
    this.#rollUp.settle(now)
    if (added === 0) return
    for (const [segment, opened] of this.#opened) this.#statements.open.run({ segment, ...opened })
    this.#note('flows', this.#meta('flows') + added)
    this.#note('segment', this.#segment)
    this.#note('segment_flows', this.#segmentFlows)
  }

  /** Writes what `save` keeps back. */
  finish(now: number): void {
    this.#rollUp.settle(now, true)
  }

  /** What `save` or `finish` did is in the database now. */
  committed(): void {
    this.#rollUp.committed()
  }

  /** What `save` or `finish` did is not in the database. */
  rolledBack(): void {
    this.#rollUp.rolledBack()
    this.doubt()
  }

  /** What is known of the rows may no longer hold: after a rollback, or when retention took some. */
  doubt(): void {
    this.#isDoubtful = true
  }

  #reread(): void {
    this.#isDoubtful = false
    this.#dimensions.forget()
    this.firstSeen.forget()
    this.#lastKey = Number(
      this.#db.prepare('SELECT max(id) AS last FROM flows').get()?.['last'] ?? Number.MIN_SAFE_INTEGER,
    )
    this.#segment = this.#meta('segment')
    this.#segmentFlows = this.#meta('segment_flows')
    this.#dimensions.enter(this.#segment)
  }

  #update(connection: Connection, now: number): boolean {
    const found = this.#statements.find.get({ run: this.#run, flow: connection.id })
    if (!found) return false
    const id = found['id'] as number
    const segment = found['segment'] as number
    if (segment !== this.#segment) this.#statements.late.run({ segment, id })
    this.#statements.progress.run({ id, ...progressOf(connection) })
    const owner = this.#dimensions.ownerKey(connection.owner, segment)
    const peer = this.#dimensions.peerKey(connection, segment)
    const isNewlyKnown = this.#learn(found, owner, peer)
    this.#sort(found, connection)
    this.#grow(found, connection, now, isNewlyKnown)
    const ended = endedOf(connection)
    if (ended !== null) this.#statements.end.run({ id, ended })
    return true
  }

  /** Takes in what was not known of a flow before; nothing that is known is forgotten. */
  #learn(found: Row, owner: OwnerKey, peer: PeerKey): boolean {
    const id = found['id'] as number
    const isOwned = owner.owner !== null && owner.owner !== found['owner']
    if (isOwned) this.#statements.own.run({ id, ...owner })
    const known = {
      name: peer.name ?? (found['name'] as number | null),
      country: peer.country ?? (found['country'] as string | null),
      asn: peer.asn ?? (found['asn'] as number | null),
    }
    const isPlaced =
      known.name !== found['name'] || known.country !== found['country'] || known.asn !== found['asn']
    if (isPlaced) this.#statements.place.run({ id, ...known })
    return isOwned || isPlaced
  }

  #sort(found: Row, connection: Connection): void {
    const sorted = sortOf(connection, this.#dimensions)
    if (sorted.class === found['class'] && sorted.scale === found['scale']) return
    this.#statements.sort.run({ id: found['id'] as number, ...sorted })
  }

  #grow(found: Row, connection: Connection, now: number, isNewlyKnown: boolean): void {
    const before: Growth = {
      flows: 1,
      bytesForward: Number(found['bytes_forward']),
      bytesBackward: Number(found['bytes_backward']),
    }
    if (isNewlyKnown) {
      const { owner, country, ...rest } = connection
      const known: Connection = {
        ...rest,
        ...(found['owner'] !== null && owner && { owner }),
        ...(found['country'] !== null && country !== undefined && { country }),
      }
      this.#rollUp.move(known, connection, before, now)
      this.firstSeen.see(connection)
    }
    const growth: Growth = {
      flows: 0,
      bytesForward: connection.bytesForward - before.bytesForward,
      bytesBackward: connection.bytesBackward - before.bytesBackward,
    }
    if (growth.bytesForward !== 0 || growth.bytesBackward !== 0) this.#rollUp.add(connection, growth, now)
  }

  #insert(connection: Connection, now: number): void {
    if (this.#segmentFlows >= this.#segmentSize) {
      this.#segment++
      this.#segmentFlows = 0
      this.#dimensions.enter(this.#segment)
    }
    const id = keyAfter(this.#lastKey, now)
    this.#statements.insert.run({
      id,
      segment: this.#segment,
      run: this.#run,
      ...originOf(connection),
      ...progressOf(connection),
      ended: endedOf(connection),
      ...this.#dimensions.ownerKey(connection.owner, this.#segment),
      ...this.#dimensions.peerKey(connection, this.#segment),
      ...sortOf(connection, this.#dimensions),
    })
    this.#lastKey = id
    this.#segmentFlows++
    this.#open(id, connection.openedAt)
    const { bytesForward, bytesBackward } = connection
    this.#rollUp.add(connection, { flows: 1, bytesForward, bytesBackward }, now)
    this.firstSeen.see(connection)
  }

  #open(id: number, openedAt: number): void {
    const known = this.#opened.get(this.#segment)
    if (!known) {
      this.#opened.set(this.#segment, { first: id, min: openedAt, max: openedAt })
      return
    }
    known.min = Math.min(known.min, openedAt)
    known.max = Math.max(known.max, openedAt)
  }

  #meta(key: string): number {
    return Number(this.#db.prepare('SELECT value FROM meta WHERE key = ?').get(key)?.['value'] ?? 0)
  }

  #note(key: string, value: number): void {
    this.#statements.note.run({ key, value })
  }
}

const sortOf = (connection: Connection, dimensions: Dimensions) => ({
  class: dimensions.classId(connection),
  scale: scaleOf(connection.bytesForward + connection.bytesBackward, connection.handshakeMs),
})
