import type { Indicator, IndicatorKind } from '#model/indicator.ts'
import { GrowingRows, type RowFacts } from './growing-rows.ts'
import { type HashKey, hashText } from './half-sip-hash.ts'
import {
  findIpv4,
  findIpv6,
  findText,
  type ListColumns,
  parentOf,
  type RangeRows,
  type TextRows,
} from './list-columns.ts'
import { textOf } from './one-form.ts'
import { isPublic, readTargetWords, type TargetBits } from './target-words.ts'

/** Why an entry is not part of a list. `private`: of no use to others. `wide`: it would hit half the Internet. */
export type LeftOut = 'unreadable' | 'private' | 'wide'

export interface ListBuilderOptions {
  readonly key: HashKey
  /** Beyond it the list is refused as a whole. */
  readonly maxEntries: number
  /** A list of this machine's own may name its neighbours. */
  readonly mayBePrivate: boolean
  /** For entries that do not say since when, in milliseconds. */
  readonly now: number
  /** The list as it was: what it held already keeps its date. */
  readonly before?: ListColumns
}

/** A list has more entries than it may have. */
export class TooManyEntries extends Error {
  constructor(most: number) {
    super(`has more than ${most} entries`)
    this.name = 'TooManyEntries'
  }
}

export const KIND_CODES: Readonly<Record<Exclude<IndicatorKind, 'target'>, number>> = {
  domain: 1,
  url: 2,
  sha256: 3,
  sha1: 4,
  md5: 5,
  ja3: 6,
  ja4: 7,
}

const WIDEST = { ipv4: 8, ipv6: 16 }
const MOST_REASONS = 65_535
const MOST_REASON_CHARACTERS = 200
const ROWS_PER_BUCKET = 4
/** From so many rows on an index of 256 kB is worth its room. */
const LONG = 20_000

/** Takes the entries of a list, in any order, and gives them out as columns. */
export class ListBuilder {
  readonly #options: ListBuilderOptions
  readonly #ipv4 = new GrowingRows(1)
  readonly #ipv6 = new GrowingRows(4)
  readonly #texts = new GrowingRows(2)
  readonly #reasons = new Map<string, number>()
  readonly #words = new Uint32Array(4)
  #domains = 0
  /** Since when the entry that came last is on the list, in seconds. */
  sinceSeconds = 0

  constructor(options: ListBuilderOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#ipv4.count + this.#ipv6.count + this.#texts.count
  }

  /** Answers why it was left out; undefined when it was taken. Throws `TooManyEntries`. */
  add(indicator: Indicator): LeftOut | undefined {
    const { kind, value } = indicator
    const left = kind === 'target' ? this.#addTarget(value, indicator) : this.#addText(kind, indicator)
    if (this.count > this.#options.maxEntries) throw new TooManyEntries(this.#options.maxEntries)
    return left
  }

  finish(): ListColumns {
    const [ipv4, ipv6] = [rangeRows(this.#ipv4), rangeRows(this.#ipv6)]
    return {
      ipv4,
      ipv6,
      texts: textRows(this.#texts),
      reasons: [...this.#reasons.keys()],
      counts: {
        targets: ipv4.bits.length + ipv6.bits.length,
        domains: this.#domains,
        others: this.#texts.count - this.#domains,
      },
    }
  }

  #addTarget(value: string, indicator: Indicator): LeftOut | undefined {
    const read = readTargetWords(value, this.#words)
    if (!read) return 'unreadable'
    if (read.bits < (read.isIpv6 ? WIDEST.ipv6 : WIDEST.ipv4)) return 'wide'
    if (!this.#options.mayBePrivate && !isPublic(this.#words, read)) return 'private'
    const rows = read.isIpv6 ? this.#ipv6 : this.#ipv4
    rows.add(this.#words, read.bits, this.#factsOf(indicator, read))
    return undefined
  }

  #addText(kind: Exclude<IndicatorKind, 'target'>, indicator: Indicator): LeftOut | undefined {
    const text = textOf(kind, indicator.value)
    if (text === undefined) return 'unreadable'
    // A top-level domain, or a name without one, stands above too many.
    if (kind === 'domain' && !text.includes('.')) return 'wide'
    hashText(this.#options.key, KIND_CODES[kind], text, this.#words)
    this.#texts.add(this.#words, 0, this.#factsOf(indicator))
    if (kind === 'domain') this.#domains++
    return undefined
  }

  #factsOf({ since, until, confidence, reason }: Indicator, range?: TargetBits): RowFacts {
    const { before, now } = this.#options
    const known = since === undefined && before ? sinceBefore(before, this.#words, range) : undefined
    this.sinceSeconds = known ?? Math.max(0, Math.trunc((since ?? now) / 1000))
    return {
      sinceSeconds: this.sinceSeconds,
      untilSeconds: until === undefined ? 0 : Math.max(1, Math.trunc(until / 1000)),
      confidence: confidence === undefined ? 0 : 1 + Math.min(100, Math.max(0, Math.round(confidence))),
      reason: reason === undefined || reason === '' ? 0 : this.#reasonNumber(reason),
    }
  }

  /** A list with more different reasons than fit says nothing for the rest. */
  #reasonNumber(reason: string): number {
    const short = reason.slice(0, MOST_REASON_CHARACTERS)
    const known = this.#reasons.get(short)
    if (known !== undefined) return known
    if (this.#reasons.size === MOST_REASONS) return 0
    this.#reasons.set(short, this.#reasons.size + 1)
    return this.#reasons.size
  }
}

/** Since when the same entry was on the list before, in seconds. `range` is absent for the hash of a text. */
function sinceBefore(
  before: ListColumns,
  words: Uint32Array,
  range: TargetBits | undefined,
): number | undefined {
  if (!range) return before.texts.facts.since[findText(before.texts, words[0] as number, words[1] as number)]
  const rows = range.isIpv6 ? before.ipv6 : before.ipv4
  let row = range.isIpv6 ? findIpv6(rows, words) : findIpv4(rows, words[0] as number)
  while (row >= 0 && (rows.bits[row] as number) > range.bits) row = parentOf(rows, row)
  return row >= 0 && rows.bits[row] === range.bits ? rows.facts.since[row] : undefined
}

function rangeRows(rows: GrowingRows): RangeRows {
  const { words, bits, facts } = rows.sorted()
  const parents = parentsOf(words, bits)
  const before = bits.length < LONG ? undefined : countBefore(words[0] as Uint32Array)
  return { starts: words, bits, facts, ...(parents && { parents }), ...(before && { before }) }
}

function countBefore(starts: Uint32Array): Uint32Array {
  const before = new Uint32Array(65_537)
  for (const start of starts) before[(start >>> 16) + 1] = (before[(start >>> 16) + 1] as number) + 1
  for (let at = 1; at < before.length; at++) before[at] = (before[at] as number) + (before[at - 1] as number)
  return before
}

/** Prefixes never cross: each is apart from the last open one, or lies in it. Nothing when none lies in another. */
function parentsOf(words: readonly Uint32Array[], bits: Uint8Array): Uint32Array | undefined {
  const parents = new Uint32Array(bits.length)
  const open: number[] = []
  let nested = 0
  for (let row = 0; row < bits.length; row++) {
    let around = open.at(-1)
    while (around !== undefined && !liesIn(words, bits[around] as number, around, row)) {
      open.pop()
      around = open.at(-1)
    }
    if (around !== undefined) {
      parents[row] = around + 1
      nested++
    }
    open.push(row)
  }
  return nested > 0 ? parents : undefined
}

/** Hot enough for four parameters: once per row of a list. */
function liesIn(words: readonly Uint32Array[], bits: number, around: number, row: number): boolean {
  for (let word = 0, left = bits; left > 0; word++, left -= 32) {
    const column = words[word] as Uint32Array
    const difference = (column[around] as number) ^ (column[row] as number)
    if (left >= 32 ? difference !== 0 : difference >>> (32 - left) !== 0) return false
  }
  return true
}

function textRows(rows: GrowingRows): TextRows {
  const { words, facts } = rows.sorted()
  const [high, low] = words as [Uint32Array, Uint32Array]
  const bucketBits = Math.max(0, Math.ceil(Math.log2(Math.max(1, high.length / ROWS_PER_BUCKET))))
  const shift = 32 - bucketBits
  const buckets = new Uint32Array(2 ** bucketBits + 1)
  for (const hash of high) {
    const next = (shift === 32 ? 0 : hash >>> shift) + 1
    buckets[next] = (buckets[next] as number) + 1
  }
  for (let at = 1; at < buckets.length; at++)
    buckets[at] = (buckets[at] as number) + (buckets[at - 1] as number)
  return { high, low, buckets, shift, facts }
}
