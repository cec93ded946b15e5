import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type Ip, ipBytes, networkOf, parseTarget } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import type { Owner } from '#model/owner.ts'
import { cursorAfter, readCursor, sliceLimit } from './cursor.ts'
import { firstKeyAt, keyAfter } from './flow-key.ts'
import {
  connectionOf,
  endedOf,
  originOf,
  ownerValues,
  programValues,
  progressOf,
  type Row,
  type Values,
} from './rows.ts'
import type { Slice, SliceRequest } from './store.ts'

const OWNERS_KNOWN = 8192
/**
 * Flows of one segment. Smaller ones make writing cheaper and searching dearer: with these 10 million flows are
 * 153 segments.
 */
const SEGMENT_FLOWS = 65_536
/** Beyond this `total` is a lower bound: nobody reads further, and counting all would cost what paging saves. */
const COUNTED = 10_000

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
const COLUMNS = ['id', 'segment', 'run', ...ORIGIN, ...PROGRESS, 'ended', 'program', 'owner']

const READ = `SELECT flows.*, pid, uid, user, command_line, owners.source AS owner_source, unreadable_because, path, name
  FROM flows LEFT JOIN owners ON owners.id = flows.owner LEFT JOIN programs ON programs.id = owners.program`

export interface FlowRequest extends SliceRequest {
  readonly peer?: string
  readonly since?: number
}

interface OwnerKey {
  readonly owner: number | null
  readonly program: number | null
}

const NOBODY: OwnerKey = { owner: null, program: null }

/** The flows of one database. Its callers hold the transaction. */
export class FlowTable {
  readonly #db: DatabaseSync
  readonly #run: number
  readonly #owners = new Map<string, OwnerKey>()
  readonly #statements: Readonly<Record<'progress' | 'own' | 'end' | 'insert' | 'note', StatementSync>>
  #isDoubtful = true
  #lastKey = 0
  #segment = 0
  #segmentFlows = 0

  constructor(db: DatabaseSync, run: number) {
    this.#db = db
    this.#run = run
    const setProgress = PROGRESS.map((name) => `${name} = $${name}`).join(', ')
    this.#statements = {
      progress: db.prepare(
        `UPDATE flows SET ${setProgress} WHERE run = $run AND flow = $flow AND ended IS NULL RETURNING id, owner`,
      ),
      own: db.prepare('UPDATE flows SET owner = $owner, program = $program WHERE id = $id'),
      end: db.prepare('UPDATE flows SET ended = $ended WHERE id = $id'),
      insert: db.prepare(
        `INSERT INTO flows (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map((name) => `$${name}`).join(', ')})`,
      ),
      note: db.prepare('UPDATE meta SET value = $value WHERE key = $key'),
    }
  }

  /** Keeps new flows, and brings those that go on up to date. `now` in milliseconds since the epoch. */
  save(connections: readonly Connection[], now: number): void {
    if (this.#isDoubtful) this.#reread()
    let added = 0
    for (const connection of connections) {
      if (this.#update(connection)) continue
      this.#insert(connection, now)
      added++
    }
    this.#note('run', this.#run)
    if (added === 0) return
    this.#note('flows', this.#meta('flows') + added)
    this.#note('segment', this.#segment)
    this.#note('segment_flows', this.#segmentFlows)
  }

  /** What is known of the rows may no longer hold: after a rollback, or when retention took some. */
  doubt(): void {
    this.#isDoubtful = true
  }

  #reread(): void {
    this.#isDoubtful = false
    this.#owners.clear()
    this.#lastKey = Number(
      this.#db.prepare('SELECT max(id) AS last FROM flows').get()?.['last'] ?? Number.MIN_SAFE_INTEGER,
    )
    this.#segment = this.#meta('segment')
    this.#segmentFlows = this.#meta('segment_flows')
  }

  /** Newest first, by when they were first recorded; `since` means that too. */
  slice(request: FlowRequest): Slice<Connection> {
    const limit = sliceLimit(request.limit)
    const peer = request.peer === undefined ? undefined : parseTarget(request.peer)
    if (request.peer !== undefined && peer === undefined) return { items: [], total: 0 }
    const search: Search = {
      ...(peer !== undefined && { peer: spanOf(peer) }),
      from: request.since === undefined ? Number.MIN_SAFE_INTEGER : firstKeyAt(request.since),
      below: Number.MAX_SAFE_INTEGER,
    }
    const below = request.cursor === undefined ? search.below : readCursor('flows', request.cursor)
    const ids = this.#ids({ ...search, below }, limit + 1)
    const total = this.#total(search, request)
    return { items: this.#read(ids.slice(0, limit)), ...total, ...nextOf(ids, limit) }
  }

  #update(connection: Connection): boolean {
    const found = this.#statements.progress.get({
      run: this.#run,
      flow: connection.id,
      ...progressOf(connection),
    })
    if (!found) return false
    const id = found['id'] as number
    const key = this.#ownerKey(connection.owner)
    if (key.owner !== null && key.owner !== found['owner']) this.#statements.own.run({ id, ...key })
    const ended = endedOf(connection)
    if (ended !== null) this.#statements.end.run({ id, ended })
    return true
  }

  #insert(connection: Connection, now: number): void {
    if (this.#segmentFlows >= SEGMENT_FLOWS) {
      this.#segment++
      this.#segmentFlows = 0
      // Owners note anew that they are still in use.
      this.#owners.clear()
    }
    const id = keyAfter(this.#lastKey, now)
    this.#statements.insert.run({
      id,
      segment: this.#segment,
      run: this.#run,
      ...originOf(connection),
      ...progressOf(connection),
      ended: endedOf(connection),
      ...this.#ownerKey(connection.owner),
    })
    this.#lastKey = id
    this.#segmentFlows++
  }

  #ownerKey(owner: Owner | undefined): OwnerKey {
    if (owner === undefined) return NOBODY
    const values = { ...programValues(owner), ...ownerValues(owner) }
    const text = JSON.stringify(values)
    const known = this.#owners.get(text)
    if (known) return known
    const program = this.#idOf('programs', programValues(owner))
    const key = { program, owner: this.#idOf('owners', { program, ...ownerValues(owner) }) }
    this.#db.prepare('UPDATE owners SET last_segment = ? WHERE id = ?').run(this.#segment, key.owner)
    // Bounded: programs come and go, and what is asked for again is found by its index.
    if (this.#owners.size >= OWNERS_KNOWN) this.#owners.clear()
    this.#owners.set(text, key)
    return key
  }

  #idOf(table: 'programs' | 'owners', values: Values): number {
    const names = Object.keys(values)
    const where = names.map((name) => `${name} IS $${name}`).join(' AND ')
    const found = this.#db.prepare(`SELECT id FROM ${table} WHERE ${where}`).get(values)
    if (found) return found['id'] as number
    const all: Values = table === 'owners' ? { ...values, last_segment: this.#segment } : values
    const columns = Object.keys(all)
    const insert = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((name) => `$${name}`).join(', ')})`
    return Number(this.#db.prepare(insert).run(all).lastInsertRowid)
  }

  /** Ids of the newest flows that are looked for. */
  #ids(search: Search, limit: number): readonly number[] {
    const sql = `${rowsOf(search)} ORDER BY id DESC LIMIT $limit`
    if (!search.peer) return this.#column(sql, { from: search.from, below: search.below, limit })
    const statement = this.#db.prepare(sql)
    const ids: number[] = []
    for (const segment of this.#segments(search)) {
      const rows = statement.all(valuesOf(search, limit - ids.length, segment))
      for (const row of rows) ids.push(row['id'] as number)
      if (ids.length >= limit) break
    }
    return ids
  }

  #total(search: Search, request: FlowRequest): { total: number; totalIsFloor?: true } {
    if (request.peer === undefined && request.since === undefined) return { total: this.#meta('flows') }
    const statement = this.#db.prepare(`SELECT count(*) AS count FROM (${rowsOf(search)} LIMIT $limit)`)
    let total = 0
    for (const segment of search.peer ? this.#segments(search) : [undefined]) {
      total += Number(statement.get(valuesOf(search, COUNTED - total, segment))?.['count'])
      if (total >= COUNTED) return { total, totalIsFloor: true }
    }
    return { total }
  }

  /** The segments of a period, newest first. */
  *#segments({ from, below }: Search): Generator<number> {
    const [newest] = this.#column(
      'SELECT segment AS id FROM flows WHERE id < ? ORDER BY id DESC LIMIT 1',
      below,
    )
    const [oldest] = this.#column('SELECT segment AS id FROM flows WHERE id >= ? ORDER BY id LIMIT 1', from)
    if (newest === undefined || oldest === undefined) return
    for (let segment = newest; segment >= oldest; segment--) yield segment
  }

  #column(sql: string, value: Values | number): readonly number[] {
    const statement = this.#db.prepare(sql)
    const rows = typeof value === 'number' ? statement.all(value) : statement.all(value)
    return rows.map((row) => row['id'] as number)
  }

  #meta(key: string): number {
    return Number(this.#db.prepare('SELECT value FROM meta WHERE key = ?').get(key)?.['value'] ?? 0)
  }

  #note(key: string, value: number): void {
    this.#statements.note.run({ key, value })
  }

  #read(ids: readonly number[]): Connection[] {
    const statement = this.#db.prepare(`${READ} WHERE flows.id = ?`)
    return ids.flatMap((id) => {
      const row = statement.get(id)
      return row ? [connectionOf(row as Row, this.#run)] : []
    })
  }
}

interface Search {
  readonly peer?: { readonly low: Uint8Array; readonly high: Uint8Array; readonly isOne: boolean }
  /** Ids: from is in, below is out. */
  readonly from: number
  readonly below: number
}

const PERIOD = 'id >= $from AND id < $below'
/** The peer of an inbound flow (code 0) is its source, of any other its target. */
const PEER_BY_DIRECTION = ['source', 'target', 'target', 'target'] as const

/**
 * The flows that are looked for, as ids: for a peer one walk along an index for each direction, which SQLite
 * merges. `length`: IPv4 addresses lie between IPv6 addresses in an index of bytes.
 */
function rowsOf({ peer }: Search): string {
  if (!peer) return `SELECT id FROM flows WHERE ${PERIOD}`
  const condition = peer.isOne ? '= $low' : 'BETWEEN $low AND $high'
  const walks = PEER_BY_DIRECTION.map(
    (column, direction) =>
      `SELECT id FROM flows WHERE segment = $segment AND direction = ${direction} AND ${column} ${condition}
       AND length(${column}) = length($low) AND ${PERIOD}`,
  )
  return walks.join(' UNION ALL ')
}

function valuesOf({ peer, from, below }: Search, limit: number, segment: number | undefined): Values {
  const values: Values = { from, below, limit }
  if (!peer || segment === undefined) return values
  Object.assign(values, { segment, low: peer.low })
  if (!peer.isOne) values['high'] = peer.high
  return values
}

/** First and last address of a target, as the table holds them. */
function spanOf(target: NonNullable<ReturnType<typeof parseTarget>>): NonNullable<Search['peer']> {
  const { network, bits } = networkOf(target)
  const low = ipBytes(network as Ip)
  const high = low.map((byte, at) => byte | (0xff >> Math.min(8, Math.max(0, bits - at * 8))))
  return { low, high, isOne: bits === low.length * 8 }
}

const nextOf = (ids: readonly number[], limit: number): { next?: string } =>
  ids.length > limit ? { next: cursorAfter('flows', ids[limit - 1] as number) } : {}
