import { readWords } from '#lib/address-words.ts'
import type { Ip } from '#model/address.ts'
import type { IndicatorKind, Listing } from '#model/indicator.ts'
import { type HashKey, hashSuffixes, hashText } from './half-sip-hash.ts'
import { KIND_CODES } from './list-builder.ts'
import {
  type Facts,
  findIpv4,
  findIpv6,
  findText,
  type ListColumns,
  parentOf,
  type RangeRows,
  rangeText,
} from './list-columns.ts'
import { textOf } from './one-form.ts'

/** One bit of a mask per list. */
const MOST_LISTS = 32
const SUFFIXES = 64
const NONE: readonly Listing[] = []

interface Slot {
  readonly list: string
  readonly columns: ListColumns
}

/**
 * Everything that lists say, for look-ups at the rate of new connections; nothing is allocated for what no list
 * holds. Each list keeps its own columns, so that replacing one touches no other. Two masks say, for the first 16
 * bits of an address, which lists have anything there: only those are searched. `now` is in milliseconds: entries
 * whose time is over are passed by.
 */
export class Indicators {
  readonly #key: HashKey
  readonly #slots: (Slot | undefined)[] = new Array(MOST_LISTS).fill(undefined)
  readonly #near4 = new Uint32Array(65_536)
  readonly #near6 = new Uint32Array(65_536)
  #withTexts = 0
  readonly #words = new Uint32Array(4)
  readonly #hashes = new Uint32Array(2 * SUFFIXES)
  readonly #starts = new Uint8Array(SUFFIXES)

  constructor(key: HashKey) {
    this.#key = key
  }

  /** From the next look-up on `list` holds these entries and no others. Throws a RangeError for a list too many. */
  replace(list: string, columns: ListColumns): void {
    const known = this.#slotOf(list)
    const at = known >= 0 ? known : this.#slots.indexOf(undefined)
    if (at < 0) throw new RangeError(`at most ${MOST_LISTS} lists can be on at a time`)
    this.#slots[at] = { list, columns }
    mark(this.#near4, at, columns.ipv4)
    mark(this.#near6, at, columns.ipv6)
    this.#withTexts =
      columns.texts.high.length > 0 ? this.#withTexts | (1 << at) : this.#withTexts & ~(1 << at)
  }

  remove(list: string): void {
    const at = this.#slotOf(list)
    if (at < 0) return
    this.#slots[at] = undefined
    clear(this.#near4, at)
    clear(this.#near6, at)
    this.#withTexts &= ~(1 << at)
  }

  /** Whether any list holds a name, a URL, a hash or a fingerprint. */
  get holdsTexts(): boolean {
    return this.#withTexts !== 0
  }

  /** The columns of a list as they are in force. */
  columnsOf(list: string): ListColumns | undefined {
    return this.#slots[this.#slotOf(list)]?.columns
  }

  /** The narrowest entry of each list around an address. */
  ofAddress(address: Ip, now: number): readonly Listing[] {
    const isIpv6 = readWords(address, this.#words)
    const near = (isIpv6 ? this.#near6 : this.#near4)[(this.#words[0] as number) >>> 16] as number
    return near === 0 ? NONE : this.#inLists(near, (slot) => this.#around(slot, address, isIpv6, now))
  }

  /** The nearest entry of each list: the name itself, or a domain above it. */
  ofName(name: string, now: number): readonly Listing[] {
    if (this.#withTexts === 0) return NONE
    const text = isPlain(name) ? name : textOf('domain', name)
    if (text === undefined) return NONE
    const domain = { kind: KIND_CODES.domain, name: text }
    const count = hashSuffixes(this.#key, domain, this.#hashes, this.#starts)
    return this.#inLists(this.#withTexts, (slot) => this.#nearest(slot, text, count, now))
  }

  of(kind: Exclude<IndicatorKind, 'target' | 'domain'>, value: string, now: number): readonly Listing[] {
    const text = textOf(kind, value)
    if (this.#withTexts === 0 || text === undefined) return NONE
    hashText(this.#key, KIND_CODES[kind], text, this.#hashes)
    this.#starts[0] = 0
    return this.#inLists(this.#withTexts, (slot) => this.#nearest(slot, text, 1, now))
  }

  #slotOf(list: string): number {
    return this.#slots.findIndex((slot) => slot?.list === list)
  }

  /** `lists`: one bit for each slot to look into. */
  #inLists(lists: number, find: (slot: Slot) => Listing | undefined): readonly Listing[] {
    let found: Listing[] | undefined
    for (let left = lists | 0; left !== 0; left &= left - 1) {
      const slot = this.#slots[31 - Math.clz32(left & -left)]
      const listing = slot && find(slot)
      if (!listing) continue
      if (found) found.push(listing)
      else found = [listing]
    }
    return found ?? NONE
  }

  /** Four parameters: asked for every peer. `address` is what stands in `#words`. */
  #around(slot: Slot, address: Ip, isIpv6: boolean, now: number): Listing | undefined {
    const rows = isIpv6 ? slot.columns.ipv6 : slot.columns.ipv4
    let row = isIpv6 ? findIpv6(rows, this.#words) : findIpv4(rows, this.#words[0] as number)
    // What is around an entry that is over may still hold.
    while (row >= 0 && isOver(rows.facts, row, now)) row = parentOf(rows, row)
    if (row < 0) return undefined
    const isItself = rows.bits[row] === (isIpv6 ? 128 : 32)
    return listingOf(slot, rows.facts, row, isItself ? address : rangeText(rows, row))
  }

  /** Of the hashes in `#hashes`, the last is the narrowest. Four parameters: asked for every name of every connection. */
  #nearest(slot: Slot, text: string, count: number, now: number): Listing | undefined {
    const rows = slot.columns.texts
    for (let at = count - 1; at >= 0; at--) {
      const row = findText(rows, this.#hashes[2 * at] as number, this.#hashes[2 * at + 1] as number)
      if (row >= 0 && !isOver(rows.facts, row, now)) {
        return listingOf(slot, rows.facts, row, text.slice(this.#starts[at]))
      }
    }
    return undefined
  }
}

/** Lower case, digits, dots and hyphens: most names, and they need no conversion. */
function isPlain(name: string): boolean {
  if (name.length > 253 || name.endsWith('.')) return false
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at)
    if (!((code >= 97 && code <= 122) || (code >= 45 && code <= 57 && code !== 47) || code === 95))
      return false
  }
  return true
}

function mark(near: Uint32Array, at: number, { starts, bits }: RangeRows): void {
  clear(near, at)
  const bit = 1 << at
  const first = starts[0] as Uint32Array
  for (let row = 0; row < bits.length; row++) {
    const from = (first[row] as number) >>> 16
    const length = bits[row] as number
    const to = length >= 16 ? from : from + 2 ** (16 - length) - 1
    for (let place = from; place <= to; place++) near[place] = (near[place] as number) | bit
  }
}

function clear(near: Uint32Array, at: number): void {
  const others = ~(1 << at)
  for (let place = 0; place < near.length; place++) near[place] = (near[place] as number) & others
}

const isOver = ({ until }: Facts, row: number, now: number): boolean =>
  until !== undefined && until[row] !== 0 && (until[row] as number) * 1000 <= now

function listingOf({ list, columns }: Slot, facts: Facts, row: number, matched: string): Listing {
  const listing: { -readonly [Key in keyof Listing]: Listing[Key] } = {
    list,
    matched,
    since: (facts.since[row] as number) * 1000,
  }
  const until = facts.until?.[row] ?? 0
  const confidence = facts.confidence?.[row] ?? 0
  const reason = columns.reasons[(facts.reason?.[row] ?? 0) - 1]
  if (until > 0) listing.until = until * 1000
  if (confidence > 0) listing.confidence = confidence - 1
  if (reason !== undefined) listing.reason = reason
  return listing
}
