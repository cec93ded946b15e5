import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { parseSearch } from '#contract/search/parse.ts'
import { feedPlans } from '#intel/feed-plan.ts'
import { Feeds } from '#intel/feeds.ts'
import { Indicators } from '#intel/indicators/indicators.ts'
import { createListReader } from '#intel/reader.ts'
import { loadSources } from '#intel/source.ts'
import { type Ip, parseIp, parseTarget } from '#model/address.ts'
import type { PartHealth } from '#model/health.ts'
import type { Store } from '#store/store.ts'
import type { IntelBase, Ledger } from './intel-base.ts'
import type { ListFacts } from './intel-hits.ts'
import type { ListOrder } from './list-door.ts'

const MONTH_MS = 30 * 86_400_000
const MOST_PEERS = 1_000

/** The lists that are on, in memory and, of those that block, in the kernel. */
export interface Lists {
  readonly feeds: Feeds
  readonly indicators: Indicators
  readonly factsOf: (list: string) => (ListFacts & { readonly updatedAt?: number }) | undefined
  /** Nothing while no list is on. */
  health(): readonly PartHealth[]
}

/** `changed`: told when another version counts, or a list is set to something else. */
export async function openLists(base: IntelBase, record: Ledger, changed: () => void): Promise<Lists> {
  const { store, allow, now, gate } = base
  const settings = base.config.intel
  const say = (sentence: string): void => base.speaker.say(sentence)
  // Another for each run: who gets a domain listed cannot know what it collides with.
  const [k0 = 0, k1 = 0] = new Int32Array(new Uint8Array(randomBytes(8)).buffer)
  const key = { k0, k1 }
  const { plans, unknown } = feedPlans(await loadSources(), settings)
  for (const id of unknown) say(`intel.feeds.${id}: there is no such list. See: gatehouse feeds`)
  const indicators = new Indicators(key)
  const reader = createListReader({ key, record })
  base.onStop(() => reader.stop())
  const ignored = settings.ignore.flatMap((entry) => parseTarget(entry) ?? [])
  const find = (address: Ip) => indicators.ofAddress(address, now())
  const feeds: Feeds = new Feeds({
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
    changed() {
      void gate.lists?.hold(ordersOf(feeds, indicators), find, ignored)
      changed()
    },
  })
  return {
    feeds,
    indicators,
    factsOf(list) {
      const feed = feeds.byId(list)
      if (!feed) return undefined
      const { updatedAt } = feed.memory
      return { ...feed.plan, action: feed.action, ...(updatedAt !== undefined && { updatedAt }) }
    },
    health: () => healthOf(feeds),
  }
}

/** Lists that are set to block go into the kernel as a whole. */
const ordersOf = (feeds: Feeds, indicators: Indicators): ListOrder[] =>
  feeds.all().flatMap(({ plan: { id, title }, isOn, action }) => {
    const rows = isOn && action === 'block' ? indicators.columnsOf(id) : undefined
    return rows && rows.counts.targets > 0 ? [{ id, title, rows, entries: rows.counts.targets }] : []
  })

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
