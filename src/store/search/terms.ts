import { isInSpan, type NumberSpan, type SearchKey, type Term, type Test } from '#contract/search/search.ts'
import { fitsText, type TextPattern } from '#contract/search/text-pattern.ts'
import { FLOW_STATES } from '#model/flow.ts'
import { protocolName } from '#model/packet.ts'
import { communityKey, numberKey } from '../columns/filter-keys.ts'
import { countryOf, hashOf, NONE, ownerSourceOf } from '../columns/segment-columns.ts'
import { DIRECTIONS, packCommunityId, type Values } from '../rows.ts'
import { scalesOfBytes, scalesOfRtt } from '../scale.ts'
import { addressPart, blockedLeads, blockedWalks } from './addresses.ts'
import type { DimensionIds, Spanned } from './dimension-ids.ts'
import { amongNumbers, type Lead, type Sieve } from './lead.ts'
import type { Part, TermTools, Walk } from './part.ts'

export interface TermParts {
  readonly condition: string
  readonly walks?: readonly Walk[]
  readonly sieve?: Sieve
  readonly needsOwners: boolean
}

/** So many values in one walk: each costs a step in every segment. */
const MAX_IN_WALK = 500
const MAX_NAMES_IN_WALK = 2_000
/** Of so many names the segments that use them are looked up, each a read. */
const MAX_SPANNED_NAMES = 64
const OWNER_KEYS: ReadonlySet<Term['key']> = new Set([
  'pid',
  'uid',
  'user',
  'unit',
  'container',
  'owner',
  'confidence',
  'script',
])

/** A term as a condition on the tables `flows` and, where it needs them, `owners`. */
export function partsOf(term: Term, tools: TermTools): TermParts {
  const parts = term.anyOf.map((test) => partOf(term.key, test, tools))
  const anyOf =
    parts.length === 0 ? '0' : parts.map(({ condition }) => `ifnull(${condition}, 0)`).join(' OR ')
  const walks = parts.every((part) => part.walks) ? parts.flatMap((part) => part.walks ?? []) : undefined
  const leads = parts.every((part) => part.leads) ? parts.flatMap((part) => part.leads ?? []) : undefined
  // Scripts are kept as numbers that two may share: nothing is left out because of one.
  const isCertain = term.key !== 'script' || !term.isNot
  return {
    condition: term.isNot ? `NOT (${anyOf})` : `(${anyOf})`,
    needsOwners: OWNER_KEYS.has(term.key),
    ...(walks && !term.isNot && { walks }),
    ...(leads && isCertain && { sieve: { isNot: term.isNot, leads } }),
  }
}

function partOf(key: Term['key'], test: Test, tools: TermTools): Part {
  switch (test.kind) {
    case 'text':
      return TEXTS[key as SearchKey]?.(test.pattern, tools) ?? NOTHING
    case 'number':
      return NUMBERS[key as SearchKey]?.(test.span, tools) ?? NOTHING
    case 'address':
      return addressPart(key as 'src' | 'dst' | 'peer', test.range, tools)
    case 'word':
      return wordPart(test, tools)
    case 'is':
      return isPart(test.what, tools)
    case 'id':
      return communityPart(test.id, tools)
  }
}

const NOTHING: Part = { condition: '0', walks: [], leads: [] }

type TextPart = (pattern: TextPattern, tools: TermTools) => Part

const TEXTS: Partial<Record<SearchKey, TextPart>> = {
  app: (pattern, tools) =>
    programPart(tools, ({ name, path }) => fitsText(pattern, name) || fitsText(pattern, path)),
  path: (pattern, tools) => programPart(tools, ({ path }) => fitsText(pattern, path)),
  user: (pattern, tools) =>
    homePart(tools, ({ user, uid }) => fitsText(pattern, user) || fitsText(pattern, String(uid))),
  unit: (pattern, tools) => homePart(tools, ({ unit }) => fitsText(pattern, unit)),
  container: (pattern, tools) =>
    homePart(tools, ({ container }) =>
      [container?.name, container?.id, container?.pod?.name].some((text) => fitsText(pattern, text)),
    ),
  owner: (pattern, { bind }) => ({
    condition: bind.fits('owners.source', pattern),
    leads: [
      {
        column: 'owner-source',
        fits: (code) => fitsText(pattern, ownerSourceOf(code)),
      },
    ],
  }),
  script: (pattern, tools) => scriptPart(pattern, tools),
  proto: (pattern, { bind }) => ({
    condition: bind.among(
      'flows.protocol',
      numbersWhere(256, (n) => fitsText(pattern, protocolName(n))),
    ),
  }),
  dir: (pattern, { bind }) => ({
    condition: bind.among('flows.direction', indexesWhere(DIRECTIONS, pattern)),
  }),
  state: (pattern, { bind }) => ({
    condition: bind.among('flows.state', indexesWhere(FLOW_STATES, pattern)),
  }),
  iface: (pattern, { bind }) => ({ condition: bind.fits('flows.interface', pattern) }),
  name: (pattern, tools) => namePart(pattern, tools),
  country: (pattern, tools) => countryPart(pattern, tools),
  asn: (pattern, { bind, ids }) => {
    const asns = ids.networks(pattern)
    return {
      condition: bind.among('flows.asn', asns),
      ...inWalk('flows_asn', 'asn', asns),
      leads: [amongNumbers('asn', asns)],
    }
  },
}

type NumberPart = (span: NumberSpan, tools: TermTools) => Part

const LOCAL_PORT = 'CASE direction WHEN 0 THEN target_port ELSE source_port END'
const BYTES = '(bytes_forward + bytes_backward)'

const NUMBERS: Partial<Record<SearchKey, NumberPart>> = {
  pid: (span, tools) => ({
    ...ownerPart(spanCondition('owners.pid', span, tools), tools),
    leads: [inNumbers('pid', span)],
  }),
  uid: (span, tools) => homePart(tools, ({ uid }) => isInSpan(uid, span)),
  confidence: (span, tools) => ownerPart(spanCondition('owners.confidence', span, tools), tools),
  port: (span, tools) => {
    const [source, target] = ['source_port', 'target_port'].map((port) => spanCondition(port, span, tools))
    const leads: Lead[] = [
      { column: 'source-port', span },
      { column: 'target-port', span },
    ]
    return { condition: `(${source} OR ${target})`, walks: portWalks(span, tools), leads }
  },
  lport: (span, tools) => ({
    condition: spanCondition(LOCAL_PORT, span, tools),
    walks: portWalks(span, tools),
    leads: [
      { column: 'target-port', span, directions: [0] },
      { column: 'source-port', span, directions: [1, 2, 3] },
    ],
  }),
  asn: (span, tools) => {
    const condition = spanCondition('flows.asn', span, tools)
    const walks = [{ index: 'flows_asn', condition, values: tools.bind.values }]
    const keys = span.from !== undefined && span.from === span.to ? [numberKey('asn', span.from)] : undefined
    return { condition, walks, leads: [{ ...inNumbers('asn', span), ...(keys && { keys }) }] }
  },
  since: (span, tools) => openedPart(span, tools),
  until: (span, tools) => openedPart(span, tools),
  bytes: (span, tools) => {
    const [low, high] = scalesOfBytes(span)
    const condition = `scale BETWEEN ${tools.bind.value(low)} AND ${tools.bind.value(high)}`
    return {
      condition: spanCondition(BYTES, span, tools),
      walks: scaleWalks(condition, tools),
      leads: [{ column: 'bytes', span }],
    }
  },
  rtt: (span, tools) => {
    const scales = tools.bind.value(JSON.stringify(scalesOfRtt(span)))
    const condition = `scale IN (SELECT value FROM json_each(${scales}))`
    return {
      condition: spanCondition('handshake_ms', span, tools),
      walks: scaleWalks(condition, tools),
      leads: [{ column: 'handshake', span }],
    }
  },
}

const openedPart = (span: NumberSpan, tools: TermTools): Part => ({
  condition: spanCondition('opened_at', span, tools),
  leads: [{ column: 'opened', span }],
})

/** What a flow does not have is in no span. */
const inNumbers = (column: 'pid' | 'asn', span: NumberSpan): Lead => ({
  column,
  fits: (value) => value !== NONE && isInSpan(value, span),
})

function spanCondition(column: string, span: NumberSpan, { bind }: TermTools): string {
  const { from, to, isAbove, isBelow } = span
  const sides: string[] = []
  if (from !== undefined) sides.push(`${column} ${isAbove ? '>' : '>='} ${bind.value(from)}`)
  if (to !== undefined) sides.push(`${column} ${isBelow ? '<' : '<='} ${bind.value(to)}`)
  return sides.length === 0 ? `${column} IS NOT NULL` : `(${sides.join(' AND ')})`
}

const portWalks = (span: NumberSpan, tools: TermTools): Walk[] =>
  ['source_port', 'target_port'].map((port) => ({
    index: `flows_${port}`,
    condition: spanCondition(port, span, tools),
    values: tools.bind.values,
  }))

/** With those of which no scale was noted. */
const scaleWalks = (condition: string, { bind }: TermTools): Walk[] =>
  [condition, 'scale = 0'].map((one) => ({ index: 'flows_scale', condition: one, values: bind.values }))

type ProgramFits = Parameters<DimensionIds['programs']>[0]
type HomeFits = Parameters<DimensionIds['homes']>[0]

function programPart({ bind, ids }: TermTools, fits: ProgramFits): Part {
  const programs = ids.programs(fits)
  return {
    condition: bind.among('flows.program', programs),
    ...inWalk('flows_program', 'program', programs),
    leads: [amongNumbers('program', programs)],
  }
}

function homePart(tools: TermTools, fits: HomeFits): Part {
  const homes = tools.ids.homes(fits)
  const condition = tools.bind.among('owners.home', homes)
  const owners = tools.ids.owners('home IN (SELECT value FROM json_each($homes))', {
    homes: JSON.stringify(homes),
  })
  return { condition, ...ownerWalk(owners), leads: [amongNumbers('home', homes)] }
}

/** Interpreters run what is named in their owners. */
function scriptPart(pattern: TextPattern, { bind, ids }: TermTools): Part {
  const scripts = ids.scripts(pattern)
  const owners = ids.owners('script IN (SELECT value FROM json_each($scripts))', {
    scripts: JSON.stringify(scripts),
  })
  const lead = amongNumbers('script', scripts.map(hashOf))
  return { condition: bind.fits('owners.script', pattern), ...ownerWalk(owners), leads: [lead] }
}

/** `condition` is on owners, with values that are bound already. */
function ownerPart(condition: string, { bind, ids }: TermTools): Part {
  return { condition, ...ownerWalk(ids.owners(condition, usedValues(condition, bind.values))) }
}

const ownerWalk = (owners: readonly Spanned[] | undefined): Pick<Part, 'walks'> =>
  owners ? { walks: [{ index: 'flows_owner', column: 'owner', spans: owners }] } : {}

function namePart(pattern: TextPattern, { bind, ids }: TermTools): Part {
  const names = ids.names(pattern)
  const leads = [amongNumbers('name', names)]
  const condition = bind.among('flows.name', names)
  if (names.length > MAX_SPANNED_NAMES) return { condition, ...longNameWalk(names), leads }
  const spans = ids.spansOfNames(names)
  return { condition, walks: [{ index: 'flows_name', column: 'name', spans }], leads }
}

function longNameWalk(names: readonly number[]): Pick<Part, 'walks'> {
  if (names.length > MAX_NAMES_IN_WALK) return {}
  const condition = 'name IN (SELECT value FROM json_each($names))'
  return {
    walks: [{ index: 'flows_name', condition, values: { names: JSON.stringify(names) }, isLong: true }],
  }
}

/** Countries are kept in capitals. */
function countryPart(pattern: TextPattern, { bind }: TermTools): Part {
  const [code = '', ...more] = pattern.pieces
  const leads: Lead[] = [{ column: 'country', fits: (letters) => fitsText(pattern, countryOf(letters)) }]
  if (more.length > 0) return { condition: bind.fits('flows.country', pattern), leads }
  const condition = `flows.country = ${bind.value(code.toUpperCase())}`
  return { condition, walks: [{ index: 'flows_country', condition, values: bind.values }], leads }
}

function wordPart({ pattern, range }: Extract<Test, { kind: 'word' }>, tools: TermTools): Part {
  const parts = [TEXTS.app?.(pattern, tools) ?? NOTHING, namePart(pattern, tools)]
  if (range) parts.push(addressPart('src', range, tools), addressPart('dst', range, tools))
  const condition = `(${parts.map((part) => `ifnull(${part.condition}, 0)`).join(' OR ')})`
  const leads = parts.flatMap((part) => part.leads ?? [])
  if (!parts.every((part) => part.walks)) return { condition, leads }
  return { condition, walks: parts.flatMap((part) => part.walks ?? []), leads }
}

/** Four of the twenty bytes are in the index: they tell nearly all flows apart. */
function communityPart(id: string, { bind }: TermTools): Part {
  const bytes = packCommunityId(id)
  const packed = bind.value(bytes)
  const condition = `substr(community_id, 1, 4) = substr(${packed}, 1, 4)`
  return {
    condition: `community_id = ${packed}`,
    walks: [{ index: 'flows_community', condition, values: bind.values }],
    leads: [{ column: 'keys', keys: [communityKey(bytes)] }],
  }
}

const BLOCKED = 'gatehouse_blocked(CASE direction WHEN 0 THEN flows.source ELSE flows.target END)'
/** A flow that an earlier run left open was cut off by its end. */
const live = ({ bind, run }: TermTools): string => `(ended IS NULL AND run = ${bind.value(run)})`
const inDirection = (code: number): Part => ({ condition: `direction = ${code}` })

function isPart(what: Extract<Test, { kind: 'is' }>['what'], tools: TermTools): Part {
  switch (what) {
    case 'blocked':
      return { condition: BLOCKED, ...blockedWalks(tools), leads: blockedLeads(tools) }
    case 'allowed':
      return { condition: `NOT ${BLOCKED}` }
    case 'live':
      return { condition: live(tools) }
    case 'ended':
    case 'over':
      return { condition: `NOT ${live(tools)}` }
    case 'unknown':
      return {
        condition: 'owner IS NULL',
        walks: [NOBODY],
        leads: [{ column: 'pid', fits: (pid) => pid === NONE }],
      }
    default:
      return inDirection(DIRECTIONS.indexOf(what))
  }
}

const NOBODY: Walk = { index: 'flows_nobody', condition: 'owner IS NULL', values: {} }

/** A walk to the flows with one of these values; none where there are too many. */
function inWalk(index: string, column: string, values: readonly number[]): Pick<Part, 'walks'> {
  if (values.length > MAX_IN_WALK) return {}
  const ids = JSON.stringify(values)
  const condition = `${column} IN (SELECT value FROM json_each($ids))`
  return { walks: values.length === 0 ? [] : [{ index, condition, values: { ids } }] }
}

const indexesWhere = (words: readonly string[], pattern: TextPattern): number[] =>
  numbersWhere(words.length, (at) => fitsText(pattern, words[at]))

const numbersWhere = (count: number, fits: (number: number) => boolean): number[] =>
  Array.from({ length: count }, (_, at) => at).filter(fits)

/** The bound values that a text of SQL names: SQLite refuses others. */
export function usedValues(sql: string, values: Values): Values {
  const used: Values = {}
  for (const [, name = ''] of sql.matchAll(/\$(\w+)/g)) {
    if (Object.hasOwn(values, name)) used[name] = values[name] ?? null
  }
  return used
}
