import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Connection as ShownConnection } from '#contract/schemas.ts'
import { caretText } from '#contract/search/caret.ts'
import { matches } from '#contract/search/matches.ts'
import { parseSearch } from '#contract/search/parse.ts'
import type { Search } from '#contract/search/search.ts'
import { shownConnection } from '#core/present.ts'
import { contains, ip, parseTarget, type Target } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import { anyFlow, anyQuery, RARE_ID } from '../../../test/support/any-search.ts'
import { aBlock, aConnection, aDecision, anOwner, NOON } from '../../../test/support/remembered.ts'
import { ColumnBuilder } from '../columns/column-builder.ts'
import { FlowTable } from '../flow-table.ts'
import { Journal } from '../journal.ts'
import { migrate } from '../migrate.ts'
import { FlowSearch } from './flow-search.ts'

const FLOWS = 600
const SEGMENT = 70
const BLOCKED = ['10.0.0.1', '198.51.100.0/24', '2001:db8::/48'] as Target[]
const RUN = 2
/** Names that no flow has: so that some are in pages, and some fit in numbers that are not picked one by one. */
const OTHER_NAMES = 1500

/** Absent values are absent, not undefined: so the store gives them back. */
function plain(about: object): Partial<Connection> {
  return JSON.parse(JSON.stringify(about)) as Partial<Connection>
}

let db: DatabaseSync
let table: FlowTable
const kept: Connection[] = []
const shown: ShownConnection[] = []

beforeAll(() => {
  db = new DatabaseSync(':memory:')
  migrate(db, ':memory:')
  const journal = new Journal(db)
  for (const [at, target] of BLOCKED.entries()) {
    journal.write({ kind: 'decision', decision: aDecision(at + 1, { target }), add: aBlock({ target }) })
  }
  const over = aBlock({ target: ip('192.0.2.1'), until: NOON - 1 })
  journal.write({ kind: 'decision', decision: aDecision(9), add: over })
  const [sample = []] = fc.sample(fc.array(anyFlow, { minLength: FLOWS, maxLength: FLOWS }), {
    numRuns: 1,
    seed: 3,
  })
  table = new FlowTable(db, RUN, SEGMENT)
  for (const [at, about] of sample.entries()) {
    const names = { ...(about.asn && { asName: about.asn === 64_500 ? 'Example' : 'Cloud' }) }
    const known = plain({ ...about, ...names, owner: about.owner && anOwner(plain(about.owner) as never) })
    const { handshakeMs: _, ...base } = aConnection({ id: at + 1, ...known } as never)
    const one = { ...base, ...(about.handshakeMs !== undefined && { handshakeMs: about.handshakeMs }) }
    if (about.owner?.user === undefined && one.owner) delete (one.owner as { user?: string }).user
    table.save([one], NOON)
    kept.push(one)
    shown.push(shownConnection(one, blockOf as never))
  }
  const insert = db.prepare(
    "INSERT INTO names (name, source, first_segment, last_segment) VALUES (?, 'dns', 1, 9)",
  )
  for (let at = 0; at < OTHER_NAMES; at++) insert.run(`other-${at}.example`)
})
afterAll(() => db.close())

/** Of all segments but the newest. */
function buildColumns(maxLate: number): void {
  const builder = new ColumnBuilder(db, maxLate)
  while (builder.step());
}

const countOf = (table: string): number =>
  Number(db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count'])

const blockOf = (peer: string) => {
  const target = BLOCKED.find((one) => contains(one, parseTarget(peer) as Target))
  return target && aBlock({ target })
}

function read(text: string): Search {
  const parsed = parseSearch(text, NOON)
  if (parsed.state === 'error') throw new Error(caretText(parsed.error))
  return parsed.search
}

function expected(text: string): number[] {
  const search = read(text)
  return shown.flatMap((one) => (matches(search, one) ? [one.id] : [])).reverse()
}

const idsOf = (search: FlowSearch, text: string): number[] =>
  search.slice({ search: read(text), limit: 1000, now: NOON }).items.map(({ id }) => id)

describe('a search in the store finds what the same search finds on the page', () => {
  test.each([
    ['by indexes', 100_000],
    ['by reading most segments', 5],
    ['by reading every segment', -1],
  ])('%s', (_, candidates) => holdsWith(candidates))
})

function holdsWith(candidates: number): void {
  const search = new FlowSearch(db, RUN, { budgetMs: 1e9, candidates })
  let found = 0
  fc.assert(
    fc.property(anyQuery, (text) => {
      const ids = idsOf(search, text)
      expect([text, ids]).toEqual([text, expected(text)])
      found += ids.length
    }),
    { numRuns: 150 },
  )
  expect(found).toBeGreaterThan(1000)
}

test('the connections come back as they were kept', () => {
  const search = new FlowSearch(db, RUN)
  const { items } = search.slice({ search: read('country:DE name:example app:curl'), limit: 1000, now: NOON })
  expect(items.length).toBeGreaterThan(0)
  for (const item of items) expect(item).toEqual(kept[item.id - 1])
})

test('pages follow each other without a gap, also when time is short', () => {
  const search = new FlowSearch(db, RUN, { budgetMs: 0, candidates: 2000 })
  const ids: number[] = []
  let cursor: string | undefined
  let short = 0
  do {
    const page = search.slice({
      search: read('proto:tcp port:443'),
      limit: 7,
      now: NOON,
      ...(cursor && { cursor }),
    })
    ids.push(...page.items.map(({ id }) => id))
    if (page.searchedTo !== undefined) short++
    cursor = page.next
  } while (cursor)
  expect(ids).toEqual(expected('proto:tcp port:443'))
  expect(short).toBeGreaterThan(0)
})

/** All pages of a search, one after the other. */
function pagesOf(search: FlowSearch, text: string, limit: number): number[] {
  const ids: number[] = []
  for (let cursor: string | undefined, pages = 0; pages === 0 || cursor !== undefined; pages++) {
    const page = search.slice({ search: read(text), limit, now: NOON, ...(cursor && { cursor }) })
    ids.push(...page.items.map(({ id }) => id))
    cursor = page.next
    expect(pages).toBeLessThan(2 * FLOWS)
  }
  return ids
}

function holdsPageAfterPage(budgetMs: number): void {
  const search = new FlowSearch(db, RUN, { budgetMs, candidates: 20 })
  fc.assert(
    fc.property(anyQuery, fc.integer({ min: 7, max: 90 }), (text, limit) => {
      expect([text, pagesOf(search, text, limit)]).toEqual([text, expected(text)])
    }),
    { numRuns: 25 },
  )
}

test.each([0, 1e9])('no flow is lost or doubled page after page, where a page may take %d ms', (budgetMs) => {
  holdsPageAfterPage(budgetMs)
})

test('flows of earlier runs that nobody closed are ended', () => {
  const later = new FlowSearch(db, RUN + 1)
  expect(idsOf(later, 'is:live')).toEqual([])
  expect(idsOf(later, 'is:ended')).toHaveLength(FLOWS)
})

test('what is typed is never SQL', () => {
  const search = new FlowSearch(db, RUN)
  for (const hostile of [
    `name:"'; DROP TABLE flows; --"`,
    `"') OR 1=1 --"`,
    'iface:"$v0"',
    'user:"\\u0000%_"',
  ]) {
    expect(idsOf(search, hostile)).toEqual([])
  }
  expect(idsOf(search, '')).toHaveLength(FLOWS)
})

describe('the same where columns lead', () => {
  beforeAll(() => {
    buildColumns(1000)
    // Flows of segments that have columns go on: nothing of them may be lost.
    for (const [at, one] of kept.entries()) {
      if (one.ended !== undefined || at % 3 !== 0) continue
      const later = { ...one, bytesBackward: one.bytesBackward + 999_000, ended: 'reset' as const }
      table.save([later], NOON)
      kept[at] = later
      shown[at] = shownConnection(later, blockOf as never)
    }
  })

  test.each([
    ['by indexes and columns', 100_000],
    ['by columns alone', -1],
  ])('%s', (_, candidates) => holdsWith(candidates))

  test.each([0, 1e9])('page after page, where a page may take %d ms', (budgetMs) => {
    holdsPageAfterPage(budgetMs)
  })

  test.each([
    `community:${RARE_ID}`,
    'peer:2001:db8:77::/48',
    'dst:203.0.113.200',
    'src:203.0.113.0/24',
    'needle',
    'name:*edle.ex*',
    'asn:4200000000',
    'until:119m',
  ])('%s is looked for in the segments that have it, and where flows changed late', (text) => {
    const holders = new Set(
      shown.flatMap((one) => (matches(read(text), one) ? [Math.floor((one.id - 1) / SEGMENT)] : [])),
    )
    const late = new Set(
      db
        .prepare('SELECT id FROM late_flows')
        .all()
        .map(({ id }) => Number(id)),
    )
    const looked: number[] = []
    const search = new FlowSearch(db, RUN, { budgetMs: 1e9, candidates: 100_000 })
    const newest = Math.floor((FLOWS - 1) / SEGMENT)
    search.walk(search.plan(read(text), NOON), {}, ({ segment }, candidates) => {
      if (!candidates || candidates.some((id) => !late.has(id))) looked.push(segment - 1)
      return true
    })
    expect(holders.size).toBeGreaterThan(0)
    // A filter may be wrong about a segment, not about many.
    const inVain = looked.filter((segment) => !holders.has(segment) && segment !== newest)
    expect(inVain.length).toBeLessThanOrEqual(2)
  })

  test('terms that are common and never meet are answered without reading flows of segments with columns', () => {
    const search = new FlowSearch(db, RUN, { budgetMs: 1e9, candidates: -1 })
    const late = new Set(
      db
        .prepare('SELECT id FROM late_flows')
        .all()
        .map(({ id }) => Number(id)),
    )
    const visited: (readonly number[] | undefined)[] = []
    search.walk(search.plan(read('country:DE -country:D*'), NOON), {}, (_, candidates) => {
      visited.push(candidates)
      return true
    })
    const [newest, ...withColumns] = visited
    expect(newest).toBeUndefined()
    expect(withColumns).toHaveLength(Math.ceil(FLOWS / SEGMENT) - 1)
    for (const candidates of withColumns) expect(candidates?.every((id) => late.has(id))).toBe(true)
  })

  test('columns are read anew when many flows changed since and are over', () => {
    expect(countOf('late_flows')).toBeGreaterThan(10)
    buildColumns(0)
    expect(countOf('late_flows')).toBe(0)
    expect(idsOf(new FlowSearch(db, RUN, { budgetMs: 1e9, candidates: -1 }), 'bytes:>999k')).toEqual(
      expected('bytes:>999k'),
    )
  })
})
