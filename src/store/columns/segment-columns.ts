import type { NumberSpan } from '#contract/search/search.ts'
import type { OwnerSource } from '#model/owner.ts'
import type { Row } from '../rows.ts'
import { HANDSHAKE, HIGHEST_CODE, rangeCode } from './range-code.ts'

/**
 * `numbers` and `addresses` have few values in a segment: these are kept once, and each flow says which it has.
 * `ranges` have many: each flow says its own, roughly where it is large. `times` count in even steps from the first of them.
 */
interface ColumnMeaning<Kind extends 'numbers' | 'addresses' | 'ranges' | 'times', Value> {
  readonly kind: Kind
  readonly read: (row: Row) => Value
}

const ofNumbers = (read: (row: Row) => number): ColumnMeaning<'numbers', number> => ({
  kind: 'numbers',
  read,
})
const ofAddresses = (name: string): ColumnMeaning<'addresses', Uint8Array> => ({
  kind: 'addresses',
  read: (row) => row[name] as Uint8Array,
})
const ofRanges = (read: (row: Row) => number): ColumnMeaning<'ranges', number> => ({
  kind: 'ranges',
  read,
})

const ofTimes = (read: (row: Row) => number): ColumnMeaning<'times', number> => ({ kind: 'times', read })

/** Stands for what a flow does not have. */
export const NONE = 0xffff_ffff
const numberOf = (row: Row, name: string): number => (row[name] === null ? NONE : Number(row[name]))

/** All that a search compares. `read` reads rows of COLUMN_ROWS. */
export const COLUMNS = {
  class: ofNumbers((row) => numberOf(row, 'class')),
  program: ofNumbers((row) => numberOf(row, 'program')),
  home: ofNumbers((row) => numberOf(row, 'home')),
  'owner-source': ofNumbers((row) => ownerSourceCode(row['owner_source'])),
  script: ofNumbers((row) => (row['script'] === null ? NONE : hashOf(String(row['script'])))),
  country: ofNumbers((row) => (row['country'] === null ? NONE : countryCode(String(row['country'])))),
  asn: ofNumbers((row) => numberOf(row, 'asn')),
  pid: ofNumbers((row) => numberOf(row, 'pid')),
  name: ofNumbers((row) => numberOf(row, 'name')),
  source: ofAddresses('source'),
  target: ofAddresses('target'),
  'source-port': ofRanges((row) => Number(row['source_port'])),
  'target-port': ofRanges((row) => Number(row['target_port'])),
  bytes: ofRanges((row) => rangeCode(Number(row['bytes_forward']) + Number(row['bytes_backward']))),
  handshake: ofRanges((row) =>
    row['handshake_ms'] === null ? 0 : rangeCode(Number(row['handshake_ms']) * HANDSHAKE),
  ),
  opened: ofTimes((row) => Number(row['opened_at'])),
} as const

export type ColumnName = keyof typeof COLUMNS
export type NumbersColumn = {
  [Name in ColumnName]: (typeof COLUMNS)[Name]['kind'] extends 'numbers' ? Name : never
}[ColumnName]
export type AddressesColumn = 'source' | 'target'
export type TimesColumn = 'opened'
export type RangesColumn = Exclude<ColumnName, NumbersColumn | AddressesColumn | TimesColumn>

export const COLUMN_NAMES = Object.keys(COLUMNS) as readonly ColumnName[]

/** Columns with few values: which of them a segment has is read for all segments at once. */
export const SMALL_COLUMNS: ReadonlySet<string> = new Set<ColumnName>([
  'class',
  'program',
  'home',
  'owner-source',
  'script',
  'country',
  'source-port',
  'target-port',
  'bytes',
  'handshake',
  'opened',
])

/** The rows that columns and filters are made of, in order of ids. */
export const COLUMN_ROWS = `SELECT flows.id, class, flows.program, home, owners.source AS owner_source, script, country, asn, pid,
    name, flows.source, target, source_port, target_port, bytes_forward, bytes_backward, handshake_ms,
    opened_at, community_id, direction
  FROM flows LEFT JOIN owners ON owners.id = flows.owner
  WHERE flows.id > $after AND flows.id < $end ORDER BY flows.id LIMIT $limit`

const OWNER_SOURCES: readonly OwnerSource[] = ['ebpf', 'netlink', 'scan', 'guess', 'kernel']

/** Below 0 for a source that this version does not know: then there is no column. */
const ownerSourceCode = (source: Row[string] | undefined): number =>
  source === null ? NONE : OWNER_SOURCES.indexOf(source as OwnerSource)

export const ownerSourceOf = (code: number): string | undefined =>
  code === NONE ? undefined : OWNER_SOURCES[code]

/** Two letters as one number, and back. */
const countryCode = (letters: string): number => letters.charCodeAt(0) * 65_536 + (letters.charCodeAt(1) || 0)
export const countryOf = (code: number): string | undefined =>
  code === NONE ? undefined : String.fromCharCode(code >>> 16, code & 0xffff).replace('\u0000', '')

/** FNV-1a: texts that meet in one number only mean that more flows are looked at. */
export function hashOf(text: string): number {
  let hash = 0x811c_9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193) >>> 0
  return hash === NONE ? 0 : hash
}

/** First and last, both in; none where the first is higher. */
export type CodeRange = readonly [first: number, last: number]

/** The codes of a column of ranges that a span may mean, and those that it must. */
export function codesOfSpan(
  column: RangesColumn,
  span: NumberSpan,
): { readonly may: CodeRange; readonly must: CodeRange } {
  if (column === 'source-port' || column === 'target-port') {
    const exact = portsOf(span)
    return { may: exact, must: exact }
  }
  const { from = 0, to = Number.MAX_SAFE_INTEGER } = span
  const scale = column === 'handshake' ? HANDSHAKE : 1
  const [low, high] = [rangeCode(Math.max(0, from) * scale), rangeCode(Math.max(0, to) * scale)]
  // One code more on either side: a logarithm is rounded, and so are bytes of a fraction.
  return {
    may: [Math.max(1, low - 1), to < 0 ? 0 : high + 1],
    must: [from <= 0 ? 1 : low + 2, span.to === undefined ? HIGHEST_CODE : high - 2],
  }
}

/** The same for times that begin at `base`; from and to are milliseconds since the epoch. */
export function codesOfPeriod(
  { from, to }: NumberSpan,
  { base, step }: { readonly base: number; readonly step: number },
): { readonly may: CodeRange; readonly must: CodeRange } {
  const low = from === undefined ? 0 : Math.floor((from - base) / step)
  const high = to === undefined ? HIGHEST_CODE : Math.floor((to - base) / step)
  return {
    may: [low, high],
    must: [from === undefined ? 0 : low + 1, to === undefined ? HIGHEST_CODE : high - 1],
  }
}

/** Ports are whole numbers: each is its own code. */
const portsOf = ({ from = 0, to = HIGHEST_CODE, isAbove, isBelow }: NumberSpan): CodeRange => [
  isAbove ? Math.floor(from) + 1 : Math.ceil(from),
  isBelow ? Math.ceil(to) - 1 : Math.floor(to),
]
