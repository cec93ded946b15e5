import { Refused } from '#api/port.ts'
import type { SummaryQuestion, Views } from '#api/views-port.ts'
import type {
  Alert as ShownAlert,
  Block as ShownBlock,
  Connection as ShownConnection,
} from '#contract/schemas.ts'
import { parseRange } from '#contract/search/address-range.ts'
import { matches } from '#contract/search/matches.ts'
import type { Search } from '#contract/search/search.ts'
import type { FirstSeen, HostView, ProgramView, SummaryList } from '#contract/views.ts'
import type { Programs } from '#identify/programs/programs.ts'
import { createTurns, type Turns } from '#lib/turns.ts'
import { type Ip, parseIp } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { CountedBlock } from '#model/block.ts'
import type { CallHome } from '#model/call-home.ts'
import type { Connection } from '#model/flow.ts'
import type { CountedPeriod, ProgramBytesReport } from '#model/program-bytes.ts'
import { programKeyOf } from '#model/summary.ts'
import type { CountedRequest, Store } from '#store/store.ts'
import { type CallHomeBook, createCallHomeBook } from './call-home.ts'
import { countedTotal, withCounted, withCountedPeriod } from './counted.ts'
import type { Gate } from './gate.ts'
import { graphOf } from './graph.ts'
import { identityOf } from './identity.ts'
import type { LiveConnection, LiveConnections } from './live-connections.ts'
import { binariesOf } from './program-files.ts'
import { SearchedConnection } from './searched.ts'
import { summarize } from './summaries.ts'
import { isOf, searchFor, whichProgram } from './which-program.ts'

const RECENT = 20
const ALERTS_LOOKED_AT = 500
const ALERTS_SHOWN = 20
const FIRSTS_SHOWN = 100
/** Connections in one graph: more can neither be drawn nor read. */
const GRAPH_LIVE = 2_000
const GRAPH_PAST = 2_000
const GRAPH_PAGE = 1_000
/** Programs whose counts are laid beside each other. */
const ALL_ROWS = 500

export interface ViewParts {
  readonly live: Pick<LiveConnections, 'all'>
  readonly store: Pick<Store, 'search' | 'summaries' | 'firstSeen' | 'programFiles' | 'alerts'>
  readonly gate: Pick<Gate, 'blockOf' | 'blocks'>
  /** What the kernel counted; nothing where it does not count. */
  readonly programBytes?: () => Promise<ProgramBytesReport | undefined>
  /** The same over a period, from the store. */
  readonly countedOver?: (request: CountedRequest) => Promise<CountedPeriod>
  readonly callHomes: Pick<CallHomeBook, 'findInTurns'>
  readonly now: () => number
  readonly show: (connection: Connection | LiveConnection) => ShownConnection
  readonly showAlert: (alert: Alert) => ShownAlert
  /** Digest and package of what runs. */
  readonly programs: Programs
}

/** Answers what connections are and were: by search, in sums, about one program or host, as a graph. */
export function createViews(parts: ViewParts): Views {
  const { store, now, show } = parts
  return {
    now,
    connections: (search) => found(parts, search).map(show),
    async flows({ search, limit, cursor }) {
      const slice = await store.search({ search, limit, now: now(), ...(cursor !== undefined && { cursor }) })
      return { ...slice, items: slice.items.map(show) }
    },
    summaries: (question) => summariesOf(parts, question),
    firstSeen: async (request) => (await store.firstSeen(request)).map((one) => ({ ...one })),
    program: (text) => programOf(parts, text),
    host: (address) => hostOf(parts, address),
    async graph({ since, search }) {
      const turns = createTurns()
      const current = await foundInTurns(parts, search, turns)
      const past = since === undefined ? NO_PAST : await pastOf(parts, since, search)
      const habits = search === undefined ? await parts.callHomes.findInTurns(turns) : []
      const byId = new Map([...past.connections, ...current.slice(0, GRAPH_LIVE)].map((one) => [one.id, one]))
      return graphOf(
        {
          connections: [...byId.values()],
          callHomes: await habitsIn(past.connections, habits, turns),
          isComplete: past.isComplete && current.length <= GRAPH_LIVE,
        },
        turns,
      )
    },
  }
}

/** The habits among these connections, and those that were seen since the start: they reach further back. */
async function habitsIn(
  past: readonly Connection[],
  known: readonly CallHome[],
  turns: Turns,
): Promise<CallHome[]> {
  const book = createCallHomeBook()
  for (const connection of past) {
    book.see([connection])
    await turns.rest()
  }
  const keyOf = ({ program, peer, port }: CallHome): string => `${peer} ${port} ${program}`
  const found = await book.findInTurns(turns)
  return [...new Map([...found, ...known].map((habit) => [keyOf(habit), habit])).values()]
}

const NO_PAST = { connections: [], isComplete: true } as const

/** Of the live connections those that a search finds; all without one. */
function found({ live, gate }: ViewParts, search: Search | undefined): LiveConnection[] {
  const all = live.all()
  const [first] = all
  if (search === undefined || !first) return all
  const searched = new SearchedConnection(first, (peer) => gate.blockOf(peer))
  return all.filter((connection) => {
    searched.connection = connection
    return matches(search, searched)
  })
}

/** The same, without keeping others waiting. */
async function foundInTurns(
  { live, gate }: ViewParts,
  search: Search | undefined,
  turns: Turns,
): Promise<LiveConnection[]> {
  const all = live.all()
  const [first] = all
  if (search === undefined || !first) return all
  const searched = new SearchedConnection(first, (peer) => gate.blockOf(peer))
  const some: LiveConnection[] = []
  for (const connection of all) {
    searched.connection = connection
    if (matches(search, searched)) some.push(connection)
    await turns.rest()
  }
  return some
}

function summariesOf(parts: ViewParts, question: SummaryQuestion): Promise<SummaryList> {
  const { by, since, until, search } = question
  // What the kernel counts knows of no search.
  const isCounted = by === 'program' && search === undefined
  const isNow = since === undefined && until === undefined
  return isNow ? sumsOfNow(parts, question, isCounted) : sumsOfPeriod(parts, question, isCounted)
}

async function sumsOfNow(
  parts: ViewParts,
  { by, search, limit }: SummaryQuestion,
  isCounted: boolean,
): Promise<SummaryList> {
  const all = summarize(found(parts, search), by)
  const list: SummaryList = { by, items: all.slice(0, limit), total: all.length, isComplete: true }
  const report = isCounted ? await parts.programBytes?.() : undefined
  return report ? withCounted(list, report, { now: parts.now(), limit }) : list
}

async function sumsOfPeriod(
  parts: ViewParts,
  { by, since, until, search, limit }: SummaryQuestion,
  isCounted: boolean,
): Promise<SummaryList> {
  const { store, now } = parts
  const period = {
    now: now(),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  }
  const slice = await store.summaries({
    ...period,
    kind: by,
    limit: isCounted ? ALL_ROWS : limit,
    ...(search && { search }),
  })
  const list: SummaryList = { ...slice, by, items: slice.items.map((item) => ({ ...item })) }
  const counted = isCounted ? await parts.countedOver?.({ ...period, limit: ALL_ROWS }) : undefined
  return counted ? withCountedPeriod(list, counted, limit) : { ...list, items: list.items.slice(0, limit) }
}

async function pastOf({ store, now }: ViewParts, since: number, search: Search | undefined) {
  const period: Search = {
    terms: [
      ...(search?.terms ?? []),
      { key: 'since', isNot: false, anyOf: [{ kind: 'number', span: { from: since } }], at: 0, length: 0 },
    ],
  }
  const connections: Connection[] = []
  let cursor: string | undefined
  do {
    const slice = await store.search({
      search: period,
      limit: GRAPH_PAGE,
      now: now(),
      ...(cursor !== undefined && { cursor }),
    })
    connections.push(...slice.items)
    cursor = slice.next
    if (slice.searchedTo !== undefined) break
  } while (cursor !== undefined && connections.length < GRAPH_PAST)
  return { connections, isComplete: cursor === undefined }
}

async function programOf(parts: ViewParts, text: string): Promise<ProgramView> {
  const { store, live, show, now } = parts
  const which = whichProgram(text)
  const search = searchFor(which)
  const current = live.all().filter((connection) => isOf(which, connection))
  const recent = await store.search({ search, limit: RECENT, now: now() })
  const all = [...current, ...recent.items]
  const paths = [...new Set(all.flatMap(({ owner }) => (owner ? [programKeyOf(owner)] : [])))]
  if (all.length === 0 && which.kind !== 'path') {
    throw new Refused(404, `No program ${text} was seen.`, 'See those that were: gatehouse programs')
  }
  const [program = text] = paths
  const running = current.find(({ owner }) => owner !== undefined && owner.pid > 0)?.owner
  const [sums, counted, firsts, files, identity] = await Promise.all([
    store.summaries({ kind: 'program', keys: paths, since: 0, limit: paths.length, now: now() }),
    parts.countedOver?.({ programs: paths, since: 0, limit: paths.length, now: now() }),
    store.firstSeen({ program, limit: FIRSTS_SHOWN }),
    store.programFiles(program),
    running && identityOf(parts.programs, running),
  ])
  const peers = new Set(all.map(({ peer }) => peer))
  return {
    program,
    paths,
    pids: [...new Set(current.flatMap(({ owner }) => (owner ? [owner.pid] : [])))],
    users: [...new Set(all.flatMap(({ owner }) => (owner ? [owner.user ?? String(owner.uid)] : [])))],
    ...firstOf(firsts.find(({ kind }) => kind === 'program')),
    ...totalOf(sums.items),
    ...(counted && counted.programs.length > 0 && { counted: countedTotal(counted.programs) }),
    live: current.map(show),
    recent: recent.items.map(show),
    firsts: firsts.map((one) => ({ ...one })),
    files: binariesOf(files),
    ...(identity && { identity }),
    blocks: blocksOf(parts, peers),
    alerts: await alertsAbout(parts, peers),
  }
}

async function hostOf(parts: ViewParts, text: string): Promise<HostView> {
  const { store, live, show, now, gate } = parts
  const address = parseIp(text)
  const range = address && parseRange(address)
  if (!range) throw new Refused(400, `"${text}" is not an address.`, 'Write it like 203.0.113.9.')
  const search: Search = {
    terms: [{ key: 'peer', isNot: false, anyOf: [{ kind: 'address', range }], at: 0, length: 0 }],
  }
  const current = live.all().filter(({ peer }) => peer === address)
  const [recent, sums, firsts] = await Promise.all([
    store.search({ search, limit: RECENT, now: now() }),
    store.summaries({ kind: 'host', keys: [address], since: 0, limit: 1, now: now() }),
    store.firstSeen({ peer: address, limit: FIRSTS_SHOWN }),
  ])
  const all = [...current, ...recent.items]
  const [known] = all.filter(({ country, name }) => country !== undefined || name !== undefined)
  const block = gate.blockOf(address)
  const firstAts = [...firsts.map(({ at }) => at), ...sums.items.map(({ firstAt }) => firstAt)]
  const lastAts = [...all.map(({ seenAt }) => seenAt), ...sums.items.map(({ lastAt }) => lastAt)]
  return {
    address,
    ...placeOf(known),
    ...(firstAts.length > 0 && { firstSeenAt: Math.min(...firstAts) }),
    ...(lastAts.length > 0 && { lastSeenAt: Math.max(...lastAts) }),
    ...totalOf(sums.items),
    programs: [
      ...new Set([
        ...firsts.map(({ program }) => program),
        ...all.flatMap(({ owner }) => (owner ? [programKeyOf(owner)] : [])),
      ]),
    ],
    live: current.map(show),
    recent: recent.items.map(show),
    ...(block && blockNamed(gate.blocks(), block.target)),
    alerts: await alertsAbout(parts, new Set([address])),
  }
}

const placeOf = (known: Connection | undefined) => ({
  ...(known?.name !== undefined && { name: known.name }),
  ...(known?.nameSource !== undefined && { nameSource: known.nameSource }),
  ...(known?.country !== undefined && { country: known.country }),
  ...(known?.asn !== undefined && { asn: known.asn }),
  ...(known?.asName !== undefined && { asName: known.asName }),
})

const firstOf = (first: FirstSeen | undefined): { firstSeenAt?: number } =>
  first ? { firstSeenAt: first.at } : {}

const totalOf = (
  sums: readonly { readonly bytesIn: number; readonly bytesOut: number; readonly flows: number }[],
) => ({
  bytesIn: sums.reduce((sum, one) => sum + one.bytesIn, 0),
  bytesOut: sums.reduce((sum, one) => sum + one.bytesOut, 0),
  flows: sums.reduce((sum, one) => sum + one.flows, 0),
})

function blockNamed(blocks: readonly CountedBlock[], target: string): { block?: ShownBlock } {
  const block = blocks.find((one) => one.target === target)
  return block ? { block } : {}
}

function blocksOf({ gate }: ViewParts, peers: ReadonlySet<Ip>): ShownBlock[] {
  const targets = new Set([...peers].flatMap((peer) => gate.blockOf(peer)?.target ?? []))
  return targets.size === 0 ? [] : gate.blocks().filter(({ target }) => targets.has(target))
}

/** Among the newest alerts those that these hosts did or suffered. */
async function alertsAbout(
  { store, showAlert }: ViewParts,
  hosts: ReadonlySet<string>,
): Promise<ShownAlert[]> {
  const { items } = await store.alerts({ limit: ALERTS_LOOKED_AT })
  return items
    .filter(({ subject, victim }) => hosts.has(subject) || (victim !== undefined && hosts.has(victim)))
    .slice(0, ALERTS_SHOWN)
    .map(showAlert)
}
