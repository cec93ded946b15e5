import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type Connection, END_REASONS, FLOW_STATES } from '#model/flow.ts'
import type { Owner } from '#model/owner.ts'
import { DIRECTIONS, homeValues, ownerValues, programValues, type Values } from './rows.ts'

const KNOWN = 8192
/** Protocols and states come off the wire: beyond this a flow has no class, and its own columns are looked at. */
const MAX_CLASSES = 32_768
const NO_CLASS = 0
const LONGEST_NAME = 512
/** A program may have thousands of processes, a process id is used by few. */
const OWNERS_BY_PID = 'INDEXED BY owners_pid'

export interface OwnerKey {
  readonly owner: number | null
  readonly program: number | null
}

/** What is known of a peer, as numbers of the flow table. */
export interface PeerKey {
  readonly name: number | null
  readonly country: string | null
  readonly asn: number | null
}

const NOBODY: OwnerKey = { owner: null, program: null }

/** What many flows share, each kept once: programs, homes, owners, names, networks, classes. */
export class Dimensions {
  readonly #db: DatabaseSync
  readonly #owners = new Map<string, OwnerKey>()
  readonly #names = new Map<string, number>()
  readonly #networks = new Set<string>()
  readonly #classes = new Map<string, number>()
  readonly #statements = new Map<string, StatementSync>()
  #segment = 0

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  /** What is known of the rows may no longer hold: after a rollback, or when retention took some. */
  forget(): void {
    this.#owners.clear()
    this.#names.clear()
    this.#networks.clear()
    this.#classes.clear()
  }

  /** Rows note the first and last segment that uses them: a new one begins, so they note it anew. */
  enter(segment: number): void {
    if (segment === this.#segment) return
    this.#segment = segment
    this.#owners.clear()
    this.#names.clear()
  }

  /** `segment` is that of the flow: an owner that is found late belongs to an older one. */
  ownerKey(owner: Owner | undefined, segment: number): OwnerKey {
    if (owner === undefined) return NOBODY
    const values = { ...programValues(owner), ...homeValues(owner), ...ownerValues(owner) }
    const text = JSON.stringify(values)
    const known = this.#owners.get(text)
    if (known && segment === this.#segment) return known
    const program = this.#idOf('programs', programValues(owner))
    const home = this.#idOf('homes', homeValues(owner))
    const key = { program, owner: this.#idOf('owners', { program, home, ...ownerValues(owner) }, segment) }
    this.#use('owners', key.owner, segment)
    remember(this.#owners, text, key)
    return key
  }

  peerKey(connection: Connection, segment: number): PeerKey {
    const { name, nameSource, country, asn, asName } = connection
    return {
      name: name === undefined ? null : this.#nameId(name.slice(0, LONGEST_NAME), nameSource ?? '', segment),
      country: country === undefined ? null : country.toUpperCase().slice(0, 2),
      asn: asn === undefined ? null : this.#networkId(asn, asName),
    }
  }

  classId(connection: Connection): number {
    const { protocol, interfaceName, direction, state, ended } = connection
    const text = `${protocol} ${direction} ${state} ${ended} ${interfaceName}`
    const known = this.#classes.get(text)
    if (known !== undefined) return known
    const values = {
      protocol,
      interface: interfaceName,
      direction: DIRECTIONS.indexOf(direction),
      state: FLOW_STATES.indexOf(state),
      ended: ended === undefined ? -1 : END_REASONS.indexOf(ended),
    }
    const id = this.#find('classes', values) ?? this.#newClass(values)
    remember(this.#classes, text, id)
    return id
  }

  #newClass(values: Values): number {
    const count = Number(this.#prepare('SELECT count(*) AS count FROM classes').get()?.['count'])
    return count >= MAX_CLASSES ? NO_CLASS : this.#insert('classes', values)
  }

  #nameId(name: string, source: string, segment: number): number {
    const text = `${source} ${name}`
    const known = this.#names.get(text)
    if (known !== undefined && segment === this.#segment) return known
    const id = this.#idOf('names', { name, source }, segment)
    this.#use('names', id, segment)
    remember(this.#names, text, id)
    return id
  }

  #networkId(asn: number, name: string | undefined): number {
    const text = `${asn} ${name}`
    if (name === undefined || this.#networks.has(text)) return asn
    this.#prepare(
      'INSERT INTO networks (asn, name) VALUES (?, ?) ON CONFLICT (asn) DO UPDATE SET name = excluded.name',
    ).run(asn, name.slice(0, LONGEST_NAME))
    if (this.#networks.size >= KNOWN) this.#networks.clear()
    this.#networks.add(text)
    return asn
  }

  #use(table: 'owners' | 'names', id: number, segment: number): void {
    this.#prepare(
      `UPDATE ${table} SET first_segment = min(first_segment, $segment), last_segment = max(last_segment, $segment)
       WHERE id = $id AND ($segment < first_segment OR $segment > last_segment)`,
    ).run({ id, segment })
  }

  #idOf(table: 'programs' | 'homes' | 'owners' | 'names', values: Values, segment?: number): number {
    const span = segment === undefined ? {} : { first_segment: segment, last_segment: segment }
    return this.#find(table, values) ?? this.#insert(table, { ...values, ...span })
  }

  #find(table: string, values: Values): number | undefined {
    const where = Object.keys(values).map((name) => `${name} IS $${name}`)
    const found = this.#prepare(
      `SELECT id FROM ${table} ${table === 'owners' ? OWNERS_BY_PID : ''} WHERE ${where.join(' AND ')}`,
    ).get(values)
    return found && (found['id'] as number)
  }

  #insert(table: string, values: Values): number {
    const names = Object.keys(values)
    const places = names.map((name) => `$${name}`)
    const insert = this.#prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${places.join(', ')})`)
    return Number(insert.run(values).lastInsertRowid)
  }

  /** `sql` is made of names of ours: there are a dozen texts. */
  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known) return known
    const statement = this.#db.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

/** Bounded: what is asked for again is found by its index. */
function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  if (map.size >= KNOWN) map.clear()
  map.set(key, value)
}
