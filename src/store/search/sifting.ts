import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { FILTERS, FilterTable } from '../columns/filter-table.ts'
import { type Codes, unpackAddresses, unpackCodes, unpackIds, unpackNumbers } from '../columns/packing.ts'
import { type ColumnName, codesOfPeriod, codesOfSpan, SMALL_COLUMNS } from '../columns/segment-columns.ts'
import type { Lead, LeadOfAddresses, LeadOfKeys, LeadOfNumbers, LeadOfSpan, Sieve } from './lead.ts'

type ColumnLead = Exclude<Lead, LeadOfKeys>

/** Which codes of a column a lead speaks of. */
interface Speaking {
  /** By code; `undefined` for ranges. */
  readonly codes?: Uint8Array
  readonly low: number
  readonly high: number
  /** Of all codes that the segment has. */
  readonly how: 'none' | 'some' | 'all'
}

/** A sieve in one segment. `isNone`: nothing can pass. */
interface Prepared {
  readonly sieve: Sieve
  readonly leads: readonly { readonly lead: ColumnLead; readonly speaking: Speaking }[]
  readonly isNone: boolean
}

/** The columns of all segments, during one search. */
export class Sifting {
  readonly #statements: Readonly<Record<'words' | 'allWords' | 'codes' | 'late', StatementSync>>
  readonly #sieves: readonly Sieve[]
  readonly #first: (segment: number) => number
  readonly #small = new Map<string, ReadonlyMap<number, Uint8Array>>()
  /** Each segment that has columns has that of classes. */
  readonly #built: ReadonlyMap<number, unknown>
  readonly #filtered: ReadonlyMap<number, unknown>
  readonly #filters: FilterTable
  /** By key: the segments that may hold it. */
  readonly #holders = new Map<number, ReadonlySet<number>>()
  #directionOf: ReadonlyMap<number, number> | undefined
  readonly #db: DatabaseSync

  /** `first`: the lowest id of a segment, as `segments` has it. */
  constructor(db: DatabaseSync, sieves: readonly Sieve[], first: (segment: number) => number) {
    this.#db = db
    this.#sieves = sieves
    this.#first = first
    this.#statements = {
      words: db.prepare('SELECT words FROM segment_codes WHERE name = ? AND segment = ?'),
      allWords: db.prepare('SELECT segment, words FROM segment_words WHERE name = ?'),
      codes: db.prepare('SELECT codes FROM segment_codes WHERE name = ? AND segment = ?'),
      late: db.prepare('SELECT id FROM late_flows WHERE segment = ?'),
    }
    this.#built = this.#readWords('class')
    this.#filtered = this.#readWords(FILTERS)
    this.#filters = new FilterTable(db)
  }

  has(segment: number): boolean {
    return this.#built.has(segment)
  }

  /** Whether filters, and columns with few values, leave nothing of the segment but what changed late. */
  leavesNothing(segment: number): boolean {
    return this.#sieves.some((sieve) => {
      if (!sieve.isNot && sieve.leads.every((lead) => this.#isAbsent(lead, segment))) return true
      const isSmall = sieve.leads.every(({ column }) => SMALL_COLUMNS.has(column))
      return isSmall && this.#prepare(sieve, segment)?.isNone === true
    })
  }

  /** Whether it is known without much reading that nothing of the segment fits. */
  isEmpty(segment: number): boolean {
    return this.has(segment) && this.leavesNothing(segment) && this.late(segment).length === 0
  }

  /** Whether little reading tells that no flow of the segment is meant. */
  #isAbsent(lead: Lead, segment: number): boolean {
    if (lead.keys && this.#filtered.has(segment)) {
      return !lead.keys.some((key) => this.#holdersOf(key).has(segment))
    }
    if (lead.column === 'keys' || !SMALL_COLUMNS.has(lead.column)) return false
    return this.#speakingOf(lead, false, segment)?.how === 'none'
  }

  #holdersOf(key: number): ReadonlySet<number> {
    const known = this.#holders.get(key)
    if (known) return known
    const holders = new Set(this.#filters.segmentsWith(key))
    this.#holders.set(key, holders)
    return holders
  }

  /** Flows that changed after their columns were read. */
  late(segment: number): number[] {
    return this.#statements.late.all(segment).map(({ id }) => Number(id))
  }

  /** Ids of the flows that may fit; undefined where columns do not tell: all of them. */
  ids(segment: number): number[] | undefined {
    const all = this.#sieves.flatMap((sieve) => this.#prepare(sieve, segment) ?? [])
    if (all.length === 0) return undefined
    if (all.some(({ isNone }) => isNone)) return this.late(segment)
    let passing: Uint8Array | undefined
    for (const prepared of all) {
      const hits = this.#hitsOf(prepared, segment)
      if (!hits) continue
      passing = passing ? both(passing, hits) : hits
      if (!passing.includes(1)) return this.late(segment)
    }
    return passing && [...this.#idsAt(passing, segment), ...this.late(segment)]
  }

  /** Undefined where the sieve lets everything pass, or its columns are not there. */
  #prepare(sieve: Sieve, segment: number): Prepared | undefined {
    const known = sieve.leads.flatMap((lead) => {
      const speaking = lead.column === 'keys' ? undefined : this.#speakingOf(lead, sieve.isNot, segment)
      return speaking ? [{ lead: lead as ColumnLead, speaking }] : []
    })
    if (known.length < sieve.leads.length) return undefined
    const isAll = known.some(({ lead, speaking }) => speaking.how === 'all' && !lead.directions)
    const isNone = known.every(({ speaking }) => speaking.how === 'none')
    if (sieve.isNot ? isNone : isAll) return undefined
    return { sieve, leads: known, isNone: sieve.isNot ? isAll : isNone }
  }

  #speakingOf(lead: ColumnLead, isNot: boolean, segment: number): Speaking | undefined {
    const words = this.#words(lead.column, segment)
    if (!words) return undefined
    return 'span' in lead ? speakingOfSpan(lead, words, isNot) : speakingOfWords(lead, words)
  }

  /** For each flow 1 where it passes. */
  #hitsOf({ sieve, leads }: Prepared, segment: number): Uint8Array | undefined {
    let hits: Uint8Array | undefined
    for (const { lead, speaking } of leads) {
      if (speaking.how === 'none') continue
      const some = this.#hitsOfLead(lead, speaking, segment)
      if (!some) return undefined
      hits = hits ? either(hits, some) : some
    }
    return hits && sieve.isNot ? inverted(hits) : hits
  }

  #hitsOfLead(lead: ColumnLead, speaking: Speaking, segment: number): Uint8Array | undefined {
    const ofLead = this.#hitsOfCodes(lead, speaking, segment)
    if (!lead.directions || !ofLead) return ofLead
    const directions = this.#directionHits(lead.directions, segment)
    return directions && both(ofLead, directions)
  }

  #hitsOfCodes(
    lead: ColumnLead,
    { codes: wanted, low, high, how }: Speaking,
    segment: number,
  ): Uint8Array | undefined {
    if (how === 'all') return this.#everything(segment)
    const codes = this.#codes(lead.column, segment, wanted ? wanted.length - 1 : 65_535)
    if (!codes) return undefined
    const hits = new Uint8Array(codes.length)
    if (wanted) for (let at = 0; at < codes.length; at++) hits[at] = wanted[codes[at] as number] as number
    else
      for (let at = 0; at < codes.length; at++)
        hits[at] = Number((codes[at] as number) >= low && (codes[at] as number) <= high)
    return hits
  }

  /** Undefined where a flow has no class: then nobody knows its direction. */
  #directionHits(directions: readonly number[], segment: number): Uint8Array | undefined {
    this.#directionOf ??= new Map(
      this.#db
        .prepare('SELECT id, direction FROM classes')
        .all()
        .map(({ id, direction }) => [Number(id), Number(direction)]),
    )
    const words = this.#words('class', segment)
    const classes = words && [...unpackNumbers(words)].map((id) => this.#directionOf?.get(id))
    if (!classes || classes.includes(undefined)) return undefined
    const wanted = Uint8Array.from(classes, (direction) => Number(directions.includes(direction ?? -1)))
    const codes = this.#codes('class', segment, wanted.length - 1)
    if (!codes) return wanted[0] === 1 ? this.#everything(segment) : new Uint8Array(this.#flows(segment))
    return Uint8Array.from(codes, (code) => wanted[code] as number)
  }

  #everything(segment: number): Uint8Array {
    return new Uint8Array(this.#flows(segment)).fill(1)
  }

  #flows(segment: number): number {
    return this.#ids(segment).length
  }

  #idsAt(passing: Uint8Array, segment: number): number[] {
    return this.#ids(segment).filter((_, at) => passing[at] === 1)
  }

  #ids(segment: number): number[] {
    const packed = this.#statements.codes.get('id', segment)?.['codes']
    return packed instanceof Uint8Array ? unpackIds(packed, this.#first(segment)) : []
  }

  #words(column: ColumnName, segment: number): Uint8Array | undefined {
    if (!SMALL_COLUMNS.has(column)) return bytesOf(this.#statements.words.get(column, segment)?.['words'])
    const known = this.#small.get(column) ?? this.#readWords(column)
    return known.get(segment)
  }

  #readWords(column: ColumnName | typeof FILTERS): ReadonlyMap<number, Uint8Array> {
    const rows = this.#statements.allWords.all(column)
    const words = new Map(rows.map(({ segment, words }) => [Number(segment), words as Uint8Array]))
    this.#small.set(column, words)
    return words
  }

  #codes(column: ColumnName, segment: number, highest: number): Codes | undefined {
    const packed = bytesOf(this.#statements.codes.get(column, segment)?.['codes'])
    return packed && unpackCodes(packed, highest)
  }
}

function speakingOfSpan({ column, span }: LeadOfSpan, words: Uint8Array, isNot: boolean): Speaking {
  const { codes, lowest, highest, values } = spannedWords(column, span, words)
  const [low, high] = isNot ? codes.must : codes.may
  if (values.length > 0) return speakingOf(wantedAmong(values, (value) => value >= low && value <= high))
  if (low > high || low > highest || high < lowest) return { low, high, how: 'none' }
  return { low, high, how: low <= lowest && high >= highest ? 'all' : 'some' }
}

function spannedWords(column: LeadOfSpan['column'], span: LeadOfSpan['span'], words: Uint8Array) {
  const [first = 0, second = 0, ...others] = unpackNumbers(words)
  if (column !== 'opened')
    return { codes: codesOfSpan(column, span), lowest: first, highest: second, values: others }
  const codes = codesOfPeriod(span, { base: first * 1000, step: second })
  return { codes, lowest: 0, highest: others[0] ?? 0, values: [] }
}

function speakingOfWords(lead: LeadOfNumbers | LeadOfAddresses, words: Uint8Array): Speaking {
  return speakingOf(
    isAboutAddresses(lead)
      ? wantedAmong(unpackAddresses(words), lead.fits)
      : wantedAmong(unpackNumbers(words), lead.fits),
  )
}

function speakingOf(codes: Uint8Array): Speaking {
  const how = !codes.includes(1) ? 'none' : codes.includes(0) ? 'some' : 'all'
  return { codes, low: 0, high: codes.length - 1, how }
}

const isAboutAddresses = (lead: LeadOfNumbers | LeadOfAddresses): lead is LeadOfAddresses =>
  lead.column === 'source' || lead.column === 'target'

/** A loop: dictionaries are long, and each segment has its own. */
function wantedAmong<Value>(words: ArrayLike<Value>, fits: (word: Value) => boolean): Uint8Array {
  const wanted = new Uint8Array(words.length)
  for (let code = 0; code < words.length; code++) if (fits(words[code] as Value)) wanted[code] = 1
  return wanted
}

const bytesOf = (value: unknown): Uint8Array | undefined => (value instanceof Uint8Array ? value : undefined)

/** These write into the first. */
function both(hits: Uint8Array, others: Uint8Array): Uint8Array {
  for (let at = 0; at < hits.length; at++) hits[at] = (hits[at] as number) & (others[at] as number)
  return hits
}

function either(hits: Uint8Array, others: Uint8Array): Uint8Array {
  for (let at = 0; at < hits.length; at++) hits[at] = (hits[at] as number) | (others[at] as number)
  return hits
}

function inverted(hits: Uint8Array): Uint8Array {
  for (let at = 0; at < hits.length; at++) hits[at] = 1 - (hits[at] as number)
  return hits
}
