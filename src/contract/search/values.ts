import { nearestWord } from '#lib/nearest-word.ts'
import { protocolName } from '#model/packet.ts'
import { parseRange } from './address-range.ts'
import { IS_WORDS, type IsWord, type NumberSpan, SEARCH_KEYS, type SearchKey, type Test } from './search.ts'
import type { TextPattern } from './text-pattern.ts'
import { type Piece, Unreadable } from './tokens.ts'

const CLOSED: Partial<Record<SearchKey, readonly string[]>> = {
  owner: ['ebpf', 'netlink', 'scan', 'guess', 'kernel'],
  dir: ['inbound', 'outbound', 'forward', 'local'],
  state: ['syn-sent', 'syn-received', 'established', 'closing', 'closed', 'reset', 'open', 'answered'],
}

/** What one value asks for. `now` in milliseconds since the epoch. Throws `Unreadable`. */
export function readTest(key: SearchKey, piece: Piece, now: number): Test {
  demandValue(key, piece)
  switch (SEARCH_KEYS[key].value) {
    case 'text':
      return { kind: 'text', pattern: patternOf(piece, false) }
    case 'exact':
      return { kind: 'text', pattern: exactPattern(key, piece) }
    case 'asn':
      return asnTest(piece)
    case 'address':
      return { kind: 'address', range: rangeOf(key, piece) }
    case 'is':
      return { kind: 'is', what: isWordOf(piece) }
    case 'id':
      return { kind: 'id', id: piece.text }
    case 'time':
      return { kind: 'number', span: timeSpan(key, piece, now) }
    case 'integer':
      return { kind: 'number', span: spanOf(piece, INTEGER) }
    case 'port':
      return { kind: 'number', span: spanOf(piece, PORT) }
    case 'bytes':
      return { kind: 'number', span: spanOf(piece, BYTES) }
    case 'milliseconds':
      return { kind: 'number', span: spanOf(piece, MILLISECONDS) }
    case 'share':
      return { kind: 'number', span: spanOf(piece, SHARE) }
  }
}

/** A word without a key: in names, and where it looks like one, among addresses. */
export function readWord(piece: Piece): Test {
  const range = piece.stars.length > 0 ? undefined : parseRange(piece.text)
  return { kind: 'word', pattern: patternOf(piece, false), ...(range && { range }) }
}

function demandValue(key: SearchKey, piece: Piece): void {
  if (piece.text !== '' || piece.isQuoted) return
  const { about, example } = SEARCH_KEYS[key]
  throw new Unreadable(atLeastOne(piece), `${key}: needs a value: ${about}.`, `For example ${example}`)
}

/** With `*` or a leading `=` the whole text must fit, else `text` may stand anywhere in it. */
function patternOf({ text, stars, isQuoted }: Piece, isWhole: boolean): TextPattern {
  const isExact = !isQuoted && text.startsWith('=')
  const skipped = isExact ? 1 : 0
  const cuts = [...stars, text.length]
  let from = skipped
  const pieces = cuts.map((cut) => {
    const part = text.slice(from, cut).toLowerCase()
    from = cut + 1
    return part
  })
  return { pieces, isWhole: isWhole || isExact || stars.length > 0 }
}

function exactPattern(key: SearchKey, piece: Piece): TextPattern {
  const number = key === 'proto' ? /^=?(\d{1,3})$/.exec(piece.text)?.[1] : undefined
  if (number !== undefined) return { pieces: [protocolName(Number(number))], isWhole: true }
  const pattern = patternOf(piece, true)
  const known = CLOSED[key]
  const [word = ''] = pattern.pieces
  if (!known || pattern.pieces.length > 1 || known.includes(word)) return pattern
  const near = nearestWord(word, known)
  throw new Unreadable(
    piece,
    `"${piece.text}" is no value of ${key}:. Expected ${known.join(', ')}.`,
    near === undefined ? undefined : `Did you mean ${key}:${near}?`,
  )
}

function asnTest(piece: Piece): Test {
  const number = /^(?:as)?(\d{1,10})$/i.exec(piece.text)?.[1]
  if (number !== undefined) return { kind: 'number', span: { from: Number(number), to: Number(number) } }
  if (/^[<>]/.test(piece.text)) return { kind: 'number', span: spanOf(piece, INTEGER) }
  return { kind: 'text', pattern: patternOf(piece, false) }
}

function rangeOf(key: SearchKey, piece: Piece) {
  const range = parseRange(piece.text)
  if (range) return range
  throw new Unreadable(
    piece,
    `"${piece.text}" is no address. Expected an address, a network, or a beginning.`,
    `For example ${key}:203.0.113.9, ${key}:10.0.0.0/8, ${key}:10.1.* or ${key}:2001:db8::/32`,
  )
}

function isWordOf(piece: Piece): IsWord {
  const word = IS_WORDS.find((known) => known === piece.text.toLowerCase())
  if (word) return word
  const near = nearestWord(piece.text, IS_WORDS)
  throw new Unreadable(
    piece,
    `"${piece.text}" is nothing that a connection can be. Expected ${IS_WORDS.join(', ')}.`,
    near === undefined ? undefined : `Did you mean is:${near}?`,
  )
}

interface NumberKind {
  readonly expected: string
  readonly max: number
  readonly isWhole: boolean
  /** What a suffix multiplies with; the key is in lower case. */
  readonly units: Readonly<Record<string, number>>
}

const INTEGER: NumberKind = {
  expected: 'a number such as 812, >1000 or 100-200',
  max: 4_294_967_295,
  isWhole: true,
  units: {},
}
const PORT: NumberKind = {
  ...INTEGER,
  expected: 'a port from 0 to 65535, such as 443, >1024 or 8000-8999',
  max: 65_535,
}
const BYTES: NumberKind = {
  expected: 'bytes such as >10M, 500k or 1G-2G',
  max: Number.MAX_SAFE_INTEGER,
  isWhole: true,
  units: {
    b: 1,
    k: 1e3,
    kb: 1e3,
    m: 1e6,
    mb: 1e6,
    g: 1e9,
    gb: 1e9,
    t: 1e12,
    tb: 1e12,
    kib: 2 ** 10,
    mib: 2 ** 20,
    gib: 2 ** 30,
  },
}
const MILLISECONDS: NumberKind = {
  expected: 'milliseconds such as >200, 50-100 or <1s',
  max: Number.MAX_SAFE_INTEGER,
  isWhole: false,
  units: { ms: 1, s: 1000 },
}
const SHARE: NumberKind = {
  expected: 'a share from 0 to 1, such as 1, >=0.9 or <50%',
  max: 1,
  isWhole: false,
  units: { '%': 0.01 },
}

const COMPARISON = /^(>=|<=|>|<|=)?(.*)$/s
const BETWEEN = /^([^-.]+(?:\.\d+)?[^-.]*)(?:-|\.\.)(.+)$/s

function spanOf(piece: Piece, kind: NumberKind): NumberSpan {
  const [, sign = '', rest = ''] = COMPARISON.exec(piece.text) ?? []
  const [, low, high] = (sign === '' && BETWEEN.exec(rest)) || []
  if (low !== undefined && high !== undefined) {
    const span = { from: numberOf(low, piece, kind), to: numberOf(high, piece, kind) }
    if (span.from <= span.to) return span
    throw new Unreadable(
      piece,
      'The first number of a range is the smaller one.',
      `Expected ${kind.expected}.`,
    )
  }
  const value = numberOf(rest, piece, kind)
  switch (sign) {
    case '>':
      return { from: value, isAbove: true }
    case '<':
      return { to: value, isBelow: true }
    case '>=':
      return { from: value }
    case '<=':
      return { to: value }
    default:
      return { from: value, to: value }
  }
}

const MOST_DIGITS = 12

function numberOf(text: string, piece: Piece, kind: NumberKind): number {
  const [, digits = '', unit = ''] = /^(\d{1,16}(?:\.\d{1,6})?)([a-z%]*)$/i.exec(text) ?? []
  const factor = unit === '' ? 1 : kind.units[unit.toLowerCase()]
  const exact = digits === '' || factor === undefined ? Number.NaN : Number(digits) * factor
  // 95 % is 0.95, not what binary fractions make of it.
  const value = kind.isWhole ? exact : Number(exact.toPrecision(MOST_DIGITS))
  const isRight = value <= kind.max && (!kind.isWhole || Number.isInteger(value))
  if (isRight) return value
  throw new Unreadable(piece, `"${piece.text}" does not fit. Expected ${kind.expected}.`)
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7, w: 6.048e8 }
const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d))?(Z)?)?$/i

function timeSpan(key: SearchKey, piece: Piece, now: number): NumberSpan {
  const at = timeOf(piece.text, now)
  if (at === undefined) {
    throw new Unreadable(
      piece,
      `"${piece.text}" is no time. Expected a while such as 90s, 10m, 2h, 7d, or a date such as 2026-11-20 or 2026-11-20T08:00.`,
    )
  }
  return key === 'since' ? { from: at } : { to: at }
}

/** A while before now; or a date, in the time zone of the machine that reads it unless it ends in Z. */
function timeOf(text: string, now: number): number | undefined {
  const [, amount, unit] = /^(\d{1,8})([smhdw])$/i.exec(text) ?? []
  if (amount !== undefined) return now - Number(amount) * (UNITS_MS[(unit ?? '').toLowerCase()] ?? 0)
  const match = DATE.exec(text)
  if (!match) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0))
  const isReal = new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day && month >= 1 && month <= 12
  if (!isReal || hour > 23 || minute > 59 || second > 59) return undefined
  if (match[7] !== undefined) return Date.UTC(year, month - 1, day, hour, minute, second)
  return new Date(year, month - 1, day, hour, minute, second).getTime()
}

/** An empty place still gets one caret. */
export const atLeastOne = (place: { readonly at: number; readonly length: number }) => ({
  at: place.at,
  length: Math.max(1, place.length),
})
