import type { DatabaseSync } from 'node:sqlite'
import { type Ip, ipBytes, networkOf, parseTarget } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import { cursorAfter, readCursor, sliceLimit } from './cursor.ts'
import { firstKeyAt } from './flow-key.ts'
import { connectionOf, type Row, type Values } from './rows.ts'
import type { Slice, SliceRequest } from './store.ts'

/** Beyond this `total` is a lower bound: nobody reads further, and counting all would cost what paging saves. */
const COUNTED = 10_000

const READ = `SELECT flows.*, pid, uid, user, unit, container, details, command_line, owners.source AS owner_source,
    unreadable_because, programs.path, programs.name AS program_name,
    names.name AS peer_name, names.source AS name_source, networks.name AS as_name
  FROM flows LEFT JOIN owners ON owners.id = flows.owner LEFT JOIN homes ON homes.id = owners.home
    LEFT JOIN programs ON programs.id = owners.program LEFT JOIN names ON names.id = flows.name
    LEFT JOIN networks ON networks.asn = flows.asn`

/** Reads the flows with these ids, in this order; those that are gone are passed by. */
export function readFlows(db: DatabaseSync, ids: readonly number[], run: number): Connection[] {
  const statement = db.prepare(`${READ} WHERE flows.id = ?`)
  return ids.flatMap((id) => {
    const row = statement.get(id)
    return row ? [connectionOf(row as Row, run)] : []
  })
}

export interface FlowRequest extends SliceRequest {
  readonly peer?: string
  readonly since?: number
  readonly until?: number
}

/** The flows of one database as a list: of all, of a peer, of a period. */
export class FlowList {
  readonly #db: DatabaseSync
  readonly #run: number

  constructor(db: DatabaseSync, run: number) {
    this.#db = db
    this.#run = run
  }

  /** Newest first, by when they were first recorded; `since` and `until` mean that too. */
  slice(request: FlowRequest): Slice<Connection> {
    const limit = sliceLimit(request.limit)
    const peer = request.peer === undefined ? undefined : parseTarget(request.peer)
    if (request.peer !== undefined && peer === undefined) return { items: [], total: 0 }
    const search: Search = {
      ...(peer !== undefined && { peer: spanOf(peer) }),
      from: request.since === undefined ? Number.MIN_SAFE_INTEGER : firstKeyAt(request.since),
      below: request.until === undefined ? Number.MAX_SAFE_INTEGER : firstKeyAt(request.until),
    }
    const below = request.cursor === undefined ? search.below : readCursor('flows', request.cursor)
    const ids = this.#ids({ ...search, below }, limit + 1)
    const total = this.#total(search, request)
    return { items: readFlows(this.#db, ids.slice(0, limit), this.#run), ...total, ...nextOf(ids, limit) }
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
    if (request.peer === undefined && request.since === undefined && request.until === undefined)
      return { total: this.#meta('flows') }
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
