import { createHash } from 'node:crypto'
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite'
import type { ChainBreak, Verification } from '#model/verification.ts'

const COLUMNS = [
  'id',
  'at',
  'kind',
  'target',
  'actor',
  'reason',
  'for_seconds',
  'alert_id',
  'undoes',
] as const

type Told = Readonly<Record<string, unknown>>
interface Entry {
  readonly position: number
  readonly id: number
  readonly digest: Buffer
  readonly link: Buffer
  readonly isRemoved: boolean
}

/** What the first link hangs on. */
const NOTHING = Buffer.alloc(32)

/**
 * A hash chain over decisions: link = SHA-256(link before, SHA-256(decision)). Whoever changes, deletes, inserts or moves
 * one has to write all links after it anew, and then the head is another than the one that somebody kept elsewhere.
 */
export class DecisionChain {
  readonly #db: DatabaseSync
  readonly #last: StatementSync
  readonly #has: StatementSync
  readonly #add: StatementSync

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#last = db.prepare('SELECT link FROM decision_chain ORDER BY position DESC LIMIT 1')
    this.#has = db.prepare('SELECT 1 FROM decision_chain WHERE id = ?')
    this.#add = db.prepare('INSERT INTO decision_chain (id, digest, link) VALUES (?, ?, ?)')
  }

  /** `told` is the row as it is written. Its caller holds the transaction. */
  add(told: Told): void {
    this.#addOlder()
    this.#append(told)
  }

  /** Walks the chain from its beginning. `head` is a link that somebody kept, as hex. */
  verify(head?: string): Verification {
    return new Walk(this.#db, head).go()
  }

  /** Decisions that an older version wrote hang on the chain before the first new one. */
  #addOlder(): void {
    const before = this.#db.prepare("SELECT value FROM meta WHERE key = 'chained'").get()
    if (before?.['value'] !== 0) return
    this.#db.exec("UPDATE meta SET value = 1 WHERE key = 'chained'")
    for (const row of this.#db.prepare('SELECT * FROM decisions ORDER BY id').all()) this.#append(row)
  }

  #append(told: Told): void {
    const id = Number(told['id'])
    if (this.#has.get(id)) return
    const before = this.#last.get()?.['link']
    const digest = digestOf(told)
    this.#add.run(id, digest, linkOf(before ? Buffer.from(before as Uint8Array) : NOTHING, digest))
  }
}

/** What retention removes stays in the chain as a digest; of what lies before all that is left, the last link stays. */
export function removeFromChain(db: DatabaseSync, which: string): void {
  db.exec(`UPDATE decision_chain SET removed = 1 WHERE id IN (${which})`)
}

export function shortenChain(db: DatabaseSync): void {
  db.exec(
    'DELETE FROM decision_chain WHERE position < (SELECT min(position) FROM decision_chain WHERE removed = 0) - 1',
  )
}

class Walk {
  readonly #db: DatabaseSync
  readonly #head: string | undefined
  #checked = 0
  #removed = 0
  #isKnown = false
  #from: number | undefined
  #before: Entry | undefined

  constructor(db: DatabaseSync, head: string | undefined) {
    this.#db = db
    this.#head = head?.toLowerCase()
  }

  go(): Verification {
    const rows = this.#db.prepare(
      `SELECT chain.position, chain.id AS entry, chain.digest, chain.link, chain.removed, decisions.*
         FROM decision_chain AS chain LEFT JOIN decisions ON decisions.id = chain.id ORDER BY chain.position`,
    )
    for (const row of rows.iterate()) {
      const broken = this.#step(row)
      if (broken) return this.#answer(broken)
    }
    return this.#answer(this.#cut() ?? this.#strange())
  }

  #step(row: Record<string, SQLOutputValue>): ChainBreak | undefined {
    const entry = entryOf(row)
    const before = this.#before
    if (before && entry.position !== before.position + 1) return { id: before.id + 1, what: 'deleted' }
    const isThere = row['id'] !== null
    if (!isThere && !entry.isRemoved) return { id: entry.id, what: 'deleted' }
    if (isThere && entry.isRemoved) return { id: entry.id, what: 'inserted' }
    if (isThere && !digestOf(row).equals(entry.digest)) return { id: entry.id, what: 'changed' }
    // Retention removed what the first link that is left hangs on: it is taken as it is.
    const hangsOn = before?.link ?? (entry.position === 1 ? NOTHING : undefined)
    if (hangsOn && !linkOf(hangsOn, entry.digest).equals(entry.link)) return { id: entry.id, what: 'moved' }
    this.#take(entry)
    return undefined
  }

  #take(entry: Entry): void {
    this.#before = entry
    this.#from ??= entry.id
    this.#checked++
    if (entry.isRemoved) this.#removed++
    if (this.#head !== undefined && entry.link.toString('hex') === this.#head) this.#isKnown = true
  }

  /** The end was cut off: the database counted further. */
  #cut(): ChainBreak | undefined {
    const counted = this.#db
      .prepare("SELECT max(seq) AS seq FROM sqlite_sequence WHERE name = 'decision_chain'")
      .get()
    const last = this.#before
    if (Number(counted?.['seq'] ?? 0) <= (last?.position ?? 0)) return undefined
    return { id: (last?.id ?? 0) + 1, what: 'cut' }
  }

  /** A decision that is not in the chain. Before the first new one those of an older version are not yet. */
  #strange(): ChainBreak | undefined {
    const chained = this.#db.prepare("SELECT value FROM meta WHERE key = 'chained'").get()
    if (chained?.['value'] === 0) return undefined
    const strange = this.#db
      .prepare('SELECT id FROM decisions WHERE id NOT IN (SELECT id FROM decision_chain) ORDER BY id LIMIT 1')
      .get()
    return strange && { id: Number(strange['id']), what: 'inserted' }
  }

  #answer(broken: ChainBreak | undefined): Verification {
    const last = this.#before
    return {
      checked: this.#checked,
      removed: this.#removed,
      ...(this.#from !== undefined && { from: this.#from }),
      ...(last && { to: last.id, head: last.link.toString('hex') }),
      ...(this.#head !== undefined && { isKnown: this.#isKnown }),
      ...(broken && { broken }),
    }
  }
}

const entryOf = (row: Record<string, SQLOutputValue>): Entry => ({
  position: Number(row['position']),
  id: Number(row['entry']),
  digest: Buffer.from(row['digest'] as Uint8Array),
  link: Buffer.from(row['link'] as Uint8Array),
  isRemoved: row['removed'] === 1,
})

const digestOf = (told: Told): Buffer =>
  createHash('sha256')
    .update(JSON.stringify(COLUMNS.map((name) => told[name] ?? null)))
    .digest()

const linkOf = (before: Buffer, digest: Buffer): Buffer =>
  createHash('sha256').update(before).update(digest).digest()
