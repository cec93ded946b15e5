import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type Ip, ipBytes, networkOf, parseTarget } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import type { Owner } from '#model/owner.ts'
import { cursorAfter, readCursor, sliceLimit } from './cursor.ts'
import { createKeySource, firstKeyAt, KEY_ATTEMPTS } from './flow-key.ts'
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
/** Beyond this `total` is a lower bound: nobody reads further, and counting all would cost what paging saves. */
const COUNTED = 10_000
/** How far back a range of addresses is looked for flow by flow, before its index is sorted. */
const LOOK_BACK = 20_000

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
const COLUMNS = ['id', 'run', ...ORIGIN, ...PROGRESS, 'ended', 'program', 'owner']

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

/** The flows of one database. Its callers hold the transaction. */
export class FlowTable {
  readonly #db: DatabaseSync
  readonly #run: number
  readonly #keys = createKeySource()
  readonly #owners = new Map<string, OwnerKey>()
  readonly #statements: Readonly<Record<'progress' | 'own' | 'end' | 'insert' | 'note', StatementSync>>
  /** Flows that found no free id: only a clock that stands still makes them. */
  unkept = 0

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
        `INSERT OR IGNORE INTO flows (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map((name) => `$${name}`).join(', ')})`,
      ),
      note: db.prepare(
        "UPDATE meta SET value = iif(key = 'run', $run, value + $added) WHERE key IN ('run', 'flows')",
      ),
    }
  }

  /** Keeps new flows, and brings those that go on up to date. */
  save(connections: readonly Connection[]): void {
    let added = 0
    for (const connection of connections) {
      if (this.#update(connection)) continue
      if (this.#insert(connection)) added++
      else this.unkept++
    }
    this.#statements.note.run({ added, run: this.#run })
  }

  /** Owner ids may be gone: after a rollback, or when retention took owners without flows. */
  forgetOwners(): void {
    this.#owners.clear()
  }

  slice(request: FlowRequest): Slice<Connection> {
    const limit = sliceLimit(request.limit)
    const below = request.cursor === undefined ? undefined : readCursor('flows', request.cursor)
    const since = request.since === undefined ? undefined : firstKeyAt(request.since)
    const peer = request.peer === undefined ? undefined : parseTarget(request.peer)
    if (request.peer !== undefined && peer === undefined) return { items: [], total: 0 }
    const search: Search = {
      ...(peer !== undefined && { peer: spanOf(peer) }),
      from: since ?? Number.MIN_SAFE_INTEGER,
      below: below ?? Number.MAX_SAFE_INTEGER,
    }
    const ids = this.#ids(search, limit + 1)
    const total = this.#total({ ...search, below: Number.MAX_SAFE_INTEGER }, request)
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

  #insert(connection: Connection): boolean {
    const values: Values = {
      run: this.#run,
      ...originOf(connection),
      ...progressOf(connection),
      ended: endedOf(connection),
      ...this.#ownerKey(connection.owner),
    }
    for (let attempt = 0; attempt < KEY_ATTEMPTS; attempt++) {
      values['id'] = this.#keys.next(connection.openedAt, attempt)
      if (this.#statements.insert.run(values).changes === 1) return true
    }
    return false
  }

  #ownerKey(owner: Owner | undefined): OwnerKey {
    if (owner === undefined) return { owner: null, program: null }
    const values = { ...programValues(owner), ...ownerValues(owner) }
    const text = JSON.stringify(values)
    const known = this.#owners.get(text)
    if (known) return known
    const program = this.#idOf('programs', programValues(owner))
    const key = { program, owner: this.#idOf('owners', { program, ...ownerValues(owner) }) }
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
    const insert = `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map((name) => `$${name}`).join(', ')})`
    return Number(this.#db.prepare(insert).run(values).lastInsertRowid)
  }

  /** Ids of the newest flows that are looked for. */
  #ids(search: Search, limit: number): readonly number[] {
    const newest = 'ORDER BY id DESC LIMIT $limit'
    if (!search.peer) return this.#column(`SELECT id FROM flows WHERE ${PERIOD} ${newest}`, search, limit)
    if (search.peer.isOne) return this.#column(`${walks('= $low')} ${newest}`, search, limit)
    // A range is not in order of time in any index. Common ones are found among the newest flows,
    const recent = this.#column(
      `SELECT id FROM (SELECT id, direction, source, target FROM flows WHERE ${PERIOD} ORDER BY id DESC LIMIT ${LOOK_BACK})
       WHERE ${PEER} ${IN_RANGE} AND length(${PEER}) = length($low) ${newest}`,
      search,
      limit,
    )
    // and what is rare there is few enough to be sorted.
    return recent.length >= limit ? recent : this.#column(`${walks(IN_RANGE)} ${newest}`, search, limit)
  }

  #column(sql: string, search: Search, limit: number): readonly number[] {
    const rows = this.#db.prepare(sql).all(valuesOf(search, sql, limit))
    return rows.map((row) => row['id'] as number)
  }

  #total(search: Search, request: FlowRequest): { total: number; totalIsFloor?: true } {
    if (request.peer === undefined && request.since === undefined) {
      const row = this.#db.prepare("SELECT value FROM meta WHERE key = 'flows'").get()
      return { total: Number(row?.['value'] ?? 0) }
    }
    const all = search.peer
      ? walks(search.peer.isOne ? '= $low' : IN_RANGE)
      : `SELECT id FROM flows WHERE ${PERIOD}`
    const sql = `SELECT count(*) AS total FROM (${all} LIMIT $limit)`
    const total = Number(this.#db.prepare(sql).get(valuesOf(search, sql, COUNTED))?.['total'])
    return total < COUNTED ? { total } : { total, totalIsFloor: true }
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
/** `length` in walks: IPv4 addresses lie between IPv6 addresses in an index of bytes. */
const IN_RANGE = 'BETWEEN $low AND $high'
/** The peer of an inbound flow (code 0) is its source, of any other its target. */
const PEER = 'iif(direction = 0, source, target)'
const PEER_BY_DIRECTION = ['source', 'target', 'target', 'target'] as const

/** One walk along an index for each direction; SQLite merges them and stops at the limit. */
const walks = (condition: string): string =>
  PEER_BY_DIRECTION.map(
    (column, direction) =>
      `SELECT id FROM flows WHERE direction = ${direction} AND ${column} ${condition}
       AND length(${column}) = length($low) AND ${PERIOD}`,
  ).join(' UNION ALL ')

function valuesOf({ peer, from, below }: Search, sql: string, limit: number): Values {
  const values: Values = { from, below, limit }
  if (peer) values['low'] = peer.low
  if (peer && sql.includes('$high')) values['high'] = peer.high
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
