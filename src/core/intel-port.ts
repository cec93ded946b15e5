import type { IntelPort } from '#api/intel-port.ts'
import { Refused } from '#api/port.ts'
import type { AbuseReport, FeedOutcome, Lookup, Feed as ShownFeed } from '#contract/intel.ts'
import { type Feed, FeedRefusal, type Feeds } from '#intel/feeds.ts'
import { guessedKind } from '#intel/formats/own.ts'
import type { Indicators } from '#intel/indicators/indicators.ts'
import { ReportRefusal } from '#intel/services/abuse-report.ts'
import { isAskable, type ServiceDesk } from '#intel/services/service-desk.ts'
import { type Ip, parseIp, parseTarget, type Target } from '#model/address.ts'
import type { Block } from '#model/block.ts'
import type { IndicatorKind, Listing } from '#model/indicator.ts'
import type { Store } from '#store/store.ts'
import type { AllowBook } from './allow-book.ts'
import { PRIORITY } from './auto-asking.ts'
import type { IntelDesk } from './intel-desk.ts'
import type { ReputationDesk } from './reputation-desk.ts'

export interface IntelPortParts {
  readonly feeds: Feeds
  readonly indicators: Indicators
  readonly desk: Pick<IntelDesk, 'hitsOf' | 'ignoredBecause'>
  /** Absent while no service is on. */
  readonly services: ServiceDesk | undefined
  /** Somebody agreed that addresses are reported to AbuseIPDB. */
  readonly mayReport: boolean
  readonly reputation: Pick<ReputationDesk, 'of'>
  readonly store: Pick<Store, 'egress'>
  readonly allow: Pick<AllowBook, 'spares'>
  readonly blockOf: (address: Target) => Block | undefined
  /** What the kernel turned away, by list. */
  readonly drops: () => ReadonlyMap<string, { readonly packets: number; readonly bytes: number }>
  readonly now: () => number
}

/** Answers the API about threat lists. */
export function createIntelPort(parts: IntelPortParts): IntelPort {
  const { feeds, desk } = parts
  const withDrops = (feed: Feed, drops: ReturnType<IntelPortParts['drops']>): ShownFeed => {
    const dropped = drops.get(feed.plan.id)
    return { ...shownFeed(feed, desk.hitsOf(feed.plan.id)), ...(dropped && { dropped }) }
  }
  const shown = (feed: Feed): ShownFeed => withDrops(feed, parts.drops())
  const outcome = (feed: Feed, sentence: string): FeedOutcome => ({ sentence, feed: shown(feed) })

  return {
    feeds() {
      const drops = parts.drops()
      return feeds.all().map((feed) => withDrops(feed, drops))
    },
    feed: (id) => shown(knownFeed(feeds, id)),
    async changeFeed(id, { isOn, action }) {
      const feed = await refusing(async () => (isOn ? feeds.switchOn(id, action) : feeds.switchOff(id)))
      if (!isOn) return outcome(feed, `${feed.plan.title} is off. Nothing is fetched of it any more.`)
      return outcome(feed, await sentenceOn(feed, feeds))
    },
    async updateFeed(id) {
      const feed = await refusing(() => feeds.update(id))
      return outcome(feed, sentenceUpdated(feed))
    },
    async decideFeed(id, isAccepted) {
      const feed = await refusing(() => feeds.decide(id, isAccepted))
      const done = isAccepted ? `taken: ${feed.memory.entries} entries` : 'thrown away'
      return outcome(feed, `The new version of ${feed.plan.title} was ${done}.`)
    },
    lookup: (value) => lookup(value.trim(), parts),
    ask: (value) => ask(value.trim(), parts),
    reputation: (value) => parts.reputation.of(value.trim()),
    reportAbuse: (report, { name }) => reportAbuse(report, name, parts),
    async egress(request) {
      const { items, total, next } = await parts.store.egress(request)
      return { items: [...items], total, ...(next !== undefined && { next }) }
    },
  }
}

function knownFeed(feeds: Feeds, id: string): Feed {
  const feed = feeds.byId(id)
  if (feed) return feed
  throw new Refused(404, `There is no list ${JSON.stringify(id)}.`, 'List them: gatehouse feeds')
}

async function refusing<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof FeedRefusal) throw new Refused(409, error.message, error.hint)
    throw error
  }
}

async function sentenceOn({ plan, action, memory }: Feed, feeds: Feeds): Promise<string> {
  const from = 'file' in plan.from ? plan.from.file : new URL(plan.from.url).host
  const on = `${plan.title} is on and fetched from ${from} every ${plan.everyHours} h; who is on it: ${action}.`
  const talkedTo = action === 'block' ? await feeds.wouldBlock(plan.id) : []
  if (talkedTo.length > 0)
    return `${on} You talked to ${talkedTo.slice(0, 5).join(', ')} this month: that will be blocked.`
  return memory.entries === 0 ? `${on} It is fetched within a minute.` : on
}

function sentenceUpdated({ plan, memory, state }: Feed): string {
  if (memory.held) return `The new version of ${plan.title} waits for you: ${memory.held.reason}.`
  if (state === 'failing' || memory.reason !== undefined)
    return `${plan.title} was not updated: ${memory.reason}`
  return `${plan.title} is up to date: ${memory.entries} entries.`
}

function shownFeed(
  { plan, isOn, action, state, memory }: Feed,
  hits: { count: number; lastAt: number } | undefined,
): ShownFeed {
  const { id, title, category, format, from, licence, homepage, everyHours, isOwn, fixed } = plan
  const { entries, updatedAt, nextTryAt, held } = memory
  const reason = held ? held.reason : memory.reason
  return {
    id,
    title,
    category,
    format,
    from: 'file' in from ? from.file : withoutSecrets(from.url),
    ...(licence !== undefined && { licence }),
    ...(homepage !== undefined && { homepage }),
    everyHours,
    isOwn,
    isOn,
    action,
    decidedBy: decidedBy(fixed !== undefined, memory),
    state,
    ...(isOn && reason !== undefined && { reason }),
    entries,
    ...(updatedAt !== undefined && { updatedAt }),
    ...(isOn && nextTryAt !== undefined && { nextTryAt }),
    hits: hits?.count ?? 0,
    ...(hits && { lastHitAt: hits.lastAt }),
    ...(held && { held: { reason: held.reason, entries: held.entries, at: held.at } }),
  }
}

const decidedBy = (isFixed: boolean, memory: Feed['memory']): ShownFeed['decidedBy'] => {
  if (isFixed) return 'config'
  return memory.isOn || memory.updatedAt !== undefined ? 'person' : 'nobody'
}

/** Some makers put a key into the address. */
function withoutSecrets(text: string): string {
  const { origin, pathname, search } = new URL(text)
  return `${origin}${pathname}${search === '' ? '' : '?…'}`
}

async function reportAbuse(
  { address: text, categories, comment }: AbuseReport,
  actor: string,
  { services, mayReport, allow }: IntelPortParts,
): Promise<{ readonly sentence: string }> {
  if (!services || !mayReport) {
    throw new Refused(
      409,
      'You did not agree that addresses are reported to AbuseIPDB.',
      'Set intel.services.abuseipdb.on and .reports to true: everybody sees there what you report.',
    )
  }
  const address = parseIp(text)
  if (address === undefined || !isAskable('target', address))
    throw new Refused(400, `${JSON.stringify(text)} is no public address.`, 'Write it like 203.0.113.9.')
  const friend = allow.spares(address)
  if (friend)
    throw new Refused(409, `${address} is on the allow list: ${friend.note}.`, 'See: gatehouse allow list')
  try {
    await services.report({ address, categories, comment, actor })
  } catch (error) {
    if (error instanceof ReportRefusal) throw new Refused(409, error.message, 'See: gatehouse egress')
    throw error
  }
  return { sentence: `${address} was reported to AbuseIPDB for ${categories.join(', ')}.` }
}

const ASK_WITHIN_MS = 25_000

async function ask(value: string, parts: IntelPortParts): Promise<Lookup> {
  const known = lookup(value, parts)
  const { services } = parts
  if (!services) throw new Refused(409, 'No service is on.', 'Switch one on in the config: intel.services')
  if (!isAskable(known.kind, value)) {
    throw new Refused(
      409,
      `Nobody else knows of ${value}.`,
      'Ask about one public address, a domain, or the hash of a file.',
    )
  }
  services.ask(known.kind, value, { priority: PRIORITY.byHand, isByHand: true })
  await Promise.race([services.run(), new Promise((resolve) => setTimeout(resolve, ASK_WITHIN_MS).unref())])
  return { ...lookup(value, parts), troubles: [...services.troubles(known.kind)] }
}

function lookup(value: string, parts: IntelPortParts): Lookup {
  const kind = guessedKind(value)
  if (kind === undefined) {
    throw new Refused(
      400,
      `${JSON.stringify(value)} is nothing that a list could hold.`,
      'Use an address, a domain, a URL, the SHA-256, SHA-1 or MD5 of a file, a JA3 or a JA4.',
    )
  }
  const target = kind === 'target' ? parseTarget(value) : undefined
  const listings = listingsOf(kind, value, target, parts).flatMap((listing) =>
    shownListing(listing, parts.feeds),
  )
  const ignored = parts.desk.ignoredBecause(value)
  const allowed = target && parts.allow.spares(target)
  const block = target && parts.blockOf(target)
  return {
    value,
    kind,
    sentence: sentenceFound(value, listings.length, parts.feeds),
    listings,
    ...(parts.services && { opinions: opinionsOf(kind, value, parts.services) }),
    ...(ignored !== undefined && {
      ignoredBecause: `No list is believed about it: intel.ignore has ${ignored}.`,
    }),
    ...(allowed && { allowedBecause: `It is never blocked: ${allowed.note}.` }),
    ...(block && { blockedBecause: `It is blocked: ${block.reason}.` }),
  }
}

/** Four parameters: what was asked, read three ways. A hash of 32 digits may be a file's or a JA3. */
function listingsOf(
  kind: IndicatorKind,
  value: string,
  target: Target | undefined,
  parts: IntelPortParts,
): readonly Listing[] {
  const { indicators } = parts
  const now = parts.now()
  if (kind === 'target')
    return target === undefined ? [] : indicators.ofAddress(target.split('/')[0] as Ip, now)
  if (kind === 'domain') return indicators.ofName(value, now)
  const found = indicators.of(kind, value, now)
  return kind === 'md5' ? [...found, ...indicators.of('ja3', value, now)] : found
}

const opinionsOf = (
  kind: IndicatorKind,
  value: string,
  services: ServiceDesk,
): NonNullable<Lookup['opinions']> =>
  services.known(kind, value).map(({ service, answer: { at, opinion } }) => ({
    service: service.id,
    title: service.title,
    ...(opinion ?? { sentence: 'It knows nothing of it' }),
    at,
  }))

function shownListing({ since, matched, ...listing }: Listing, feeds: Feeds): Lookup['listings'] {
  const feed = feeds.byId(listing.list)
  if (!feed) return []
  const { title, category, confidence } = feed.plan
  const { until, reason } = listing
  return [
    {
      list: listing.list,
      title,
      category,
      action: feed.action,
      matched,
      since,
      ...(until !== undefined && { until }),
      confidence: listing.confidence ?? confidence,
      ...(reason !== undefined && { reason }),
    },
  ]
}

function sentenceFound(value: string, count: number, feeds: Feeds): string {
  const on = feeds.all().filter(({ isOn }) => isOn).length
  if (on === 0) return `No list is on, so nothing is known of ${value}. See: gatehouse feeds`
  if (count === 0) return `${value} is on none of the ${on} lists that are on.`
  return `${value} is on ${count} of the ${on} lists that are on.`
}
