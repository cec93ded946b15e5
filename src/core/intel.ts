import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { IntelPort } from '#api/intel-port.ts'
import { parseSearch } from '#contract/search/parse.ts'
import type { DropCount } from '#enforce/enforcer.ts'
import { feedPlans } from '#intel/feed-plan.ts'
import { Feeds } from '#intel/feeds.ts'
import { Indicators } from '#intel/indicators/indicators.ts'
import { createListReader } from '#intel/reader.ts'
import { Answers } from '#intel/services/answers.ts'
import { ServiceDesk } from '#intel/services/service-desk.ts'
import { SERVICES } from '#intel/services/services.ts'
import type { IntelSettings } from '#intel/settings.ts'
import { loadSources } from '#intel/source.ts'
import type { Ip } from '#model/address.ts'
import { parseIp, parseTarget } from '#model/address.ts'
import type { PartHealth } from '#model/health.ts'
import type { Store } from '#store/store.ts'
import type { AllowBook } from './allow-book.ts'
import { type CalledPeersParts, createCalledPeers } from './called-peers.ts'
import type { Gate } from './gate.ts'
import { createIntelDesk, type IntelDesk, type IntelDeskParts } from './intel-desk.ts'
import { createIntelPort } from './intel-port.ts'
import type { ListOrder } from './list-door.ts'

const TICK_MS = 10_000
const CALLED_EVERY_MS = 1_000
const MONTH_MS = 30 * 86_400_000
const MOST_PEERS = 1_000

export interface IntelBase {
  readonly config: { readonly intel: IntelSettings }
  readonly paths: { readonly stateFolder: string }
  readonly store: Store
  readonly allow: AllowBook
  readonly gate: Gate
  readonly now: () => number
  readonly speaker: { say(sentence: string): void }
  readonly onStop: (stop: () => Promise<void>) => void
}

export type IntelParts = Pick<IntelDeskParts, 'alerts' | 'closeSockets' | 'told'> &
  Pick<CalledPeersParts, 'listSockets'>

/** Threat lists, from the settings to the connection that one of them holds. */
export interface Intel {
  readonly look: IntelDesk['look']
  readonly port: IntelPort
  /** Nothing while no list is on. */
  health(): readonly PartHealth[]
}

/** Keeps the lists that are on fresh. Those on the disk are in force a moment after: nothing waits for them. */
export async function startIntel(base: IntelBase, parts: IntelParts): Promise<Intel> {
  const { alerts, closeSockets, told } = parts
  const { store, allow, gate, now } = base
  const settings = base.config.intel
  const say = (sentence: string): void => base.speaker.say(sentence)
  // Another for each run: who gets a domain listed cannot know what it collides with.
  const [k0 = 0, k1 = 0] = new Int32Array(new Uint8Array(randomBytes(8)).buffer)
  const key = { k0, k1 }
  const { plans, unknown } = feedPlans(await loadSources(), settings)
  for (const id of unknown) say(`intel.feeds.${id}: there is no such list. See: gatehouse feeds`)
  const indicators = new Indicators(key)
  const record = createLedger(store, now)
  const reader = createListReader({ key, record })
  const services = openServices(base, record)
  const feeds = new Feeds({
    plans,
    settings,
    folder: join(base.paths.stateFolder, 'intel'),
    reader,
    indicators,
    now,
    chance: Math.random,
    talkedTo: () => talkedTo(store, now()),
    allowed: () => allow.entries().map(({ target }) => target),
    troubled: ({ title }, trouble) =>
      say(trouble === undefined ? `${title}: works again.` : `${title}: ${trouble}.`),
    changed: () => void holdLists(),
  })
  const ignored = settings.ignore.flatMap((entry) => parseTarget(entry) ?? [])
  const holdLists = () =>
    gate.lists?.hold(ordersOf(feeds, indicators), (address) => indicators.ofAddress(address, now()), ignored)
  const desk = createIntelDesk({
    ...{ alerts, closeSockets, told, store, gate, now },
    indicators,
    ignore: settings.ignore,
    blockSeconds: settings.blockSeconds,
    factsOf(list) {
      const feed = feeds.byId(list)
      return feed && { ...feed.plan, action: feed.action }
    },
  })
  const called = createCalledPeers({
    takeCalled: () => gate.lists?.takeCalled() ?? [],
    listSockets: parts.listSockets,
    tell: desk.lookAtRefused,
    now,
  })
  const timer = setInterval(() => {
    feeds.tick()
    void services?.run()
  }, TICK_MS)
  const calls = setInterval(() => void called(), CALLED_EVERY_MS)
  base.onStop(async () => {
    clearInterval(timer)
    clearInterval(calls)
    await reader.stop()
  })
  void feeds.start().then(() => feeds.tick())
  const blockOf = gate.blockOf.bind(gate)
  const drops = (): ReadonlyMap<string, DropCount> => gate.lists?.drops() ?? new Map()
  return {
    look: desk.look,
    port: createIntelPort({ feeds, indicators, desk, services, store, allow, blockOf, drops, now }),
    health: () => healthOf(feeds),
  }
}

/** Lists that are set to block go into the kernel as a whole. */
const ordersOf = (feeds: Feeds, indicators: Indicators): ListOrder[] =>
  feeds.all().flatMap(({ plan: { id, title }, isOn, action }) => {
    const rows = isOn && action === 'block' ? indicators.columnsOf(id) : undefined
    return rows && rows.counts.targets > 0 ? [{ id, title, rows, entries: rows.counts.targets }] : []
  })

/** Nothing while no service is on: then there is no database of answers either. */
function openServices(base: IntelBase, record: ReturnType<typeof createLedger>): ServiceDesk | undefined {
  const { services } = base.config.intel
  const on = SERVICES.filter(({ id }) => services[id].on)
  if (on.length === 0) return undefined
  try {
    const answers = new Answers(join(base.paths.stateFolder, 'intel', 'services.db'))
    base.onStop(async () => answers.close())
    const choices = on.map((service) => ({ ...services[service.id], service }))
    return new ServiceDesk({ choices, answers, now: base.now, record })
  } catch (error) {
    base.speaker.say(`Services cannot be asked: ${(error as Error).message}. Check the disk, and restart.`)
    return undefined
  }
}

/** Numbers rise over all runs: microseconds, so that a request of the same millisecond has its own. */
function createLedger(store: Pick<Store, 'recordEgress'>, now: () => number) {
  let last = 0
  return (request: { readonly to: string; readonly what: string; readonly why: string }): Promise<void> => {
    const at = now()
    last = Math.max(last + 1, Math.floor(at) * 1000)
    return store.recordEgress({ id: last, at, ...request })
  }
}

/** Whom this machine called within a month, as far as the store can say in a moment; the busiest first. */
async function talkedTo(store: Pick<Store, 'summaries'>, now: number): Promise<readonly Ip[]> {
  const outbound = parseSearch('dir:outbound', now)
  const search = outbound.state === 'search' ? { search: outbound.search } : {}
  const { items } = await store.summaries({
    kind: 'host',
    since: now - MONTH_MS,
    limit: MOST_PEERS,
    now,
    ...search,
  })
  return items.flatMap(({ key }) => parseIp(key) ?? [])
}

function healthOf(feeds: Feeds): readonly PartHealth[] {
  const on = feeds.all().filter(({ isOn }) => isOn)
  if (on.length === 0) return []
  const bad = on.find(({ memory }) => memory.told !== undefined)
  if (bad) {
    const { id, title } = bad.plan
    const remedy = `See: gatehouse feeds show ${id}`
    return [{ part: 'lists', state: 'degraded', reason: `${title}: ${bad.memory.told}`, remedy }]
  }
  const entries = on.reduce((sum, { memory }) => sum + memory.entries, 0)
  return [{ part: 'lists', state: 'ok', note: `${on.length} on, with ${entries} entries` }]
}
