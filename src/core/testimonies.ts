import type { ProgramDescription } from '#identify/programs/programs.ts'
import type { Indicators } from '#intel/indicators/indicators.ts'
import { reputationOf, type Testimony } from '#intel/reputation.ts'
import type { ServiceDesk } from '#intel/services/service-desk.ts'
import type { Ip } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import type { IndicatorKind, Listing } from '#model/indicator.ts'
import type { Owner } from '#model/owner.ts'
import { programKeyOf } from '#model/summary.ts'
import type { Store } from '#store/store.ts'
import type { Gate } from './gate.ts'
import type { ListFacts } from './intel-hits.ts'
import { isOfList } from './list-door.ts'
import type { FileHashes } from './program-hashes.ts'

export interface TestimonyParts {
  readonly indicators: Pick<Indicators, 'ofAddress' | 'ofName' | 'of'>
  /** `updatedAt`: when the list was last had. */
  readonly factsOf: (list: string) => (ListFacts & { readonly updatedAt?: number }) | undefined
  readonly ignoredBecause: (value: string) => string | undefined
  /** Absent while no service is on. */
  readonly services: Pick<ServiceDesk, 'known'> | undefined
  readonly store: Pick<Store, 'alerts' | 'firstSeen' | 'summaries' | 'remembered'>
  readonly gate: Pick<Gate, 'blockOf'>
  readonly live: { all(): readonly Connection[] }
  readonly countryOf: (address: Ip) => string | undefined
  /** How much a country speaks against an address, by its code. */
  readonly countries: Readonly<Record<string, number>>
  readonly now: () => number
}

const ALERTS_LOOKED_AT = 500
const PEERS_LOOKED_AT = 200
const FIRSTS_LOOKED_AT = 500
const DAY_MS = 86_400_000
/** To a machine that is watched for less everybody is new. */
const WATCHED_DAYS = 3
const HASH_KINDS = ['sha256', 'sha1', 'md5'] as const
const TEMPORARY = /^\/(?:tmp|var\/tmp|dev\/shm|run\/user\/\d+)\//

/** All that lists, services and this machine itself say of something. */
export class Testimonies {
  readonly #parts: TestimonyParts

  constructor(parts: TestimonyParts) {
    this.#parts = parts
  }

  /** What others say of an address; without waiting, so that many can be looked at. */
  saidOf(address: Ip): Testimony[] {
    const { indicators, ignoredBecause, now } = this.#parts
    if (ignoredBecause(address) !== undefined) return []
    const listed = this.#listed(indicators.ofAddress(address, now()))
    return [...listed, ...this.#opinions('target', address)]
  }

  async ofAddress(address: Ip): Promise<Testimony[]> {
    const { store, now, countries, countryOf } = this.#parts
    const [detections, firsts, sums] = await Promise.all([
      this.#detections(address),
      store.firstSeen({ peer: address, limit: 1 }),
      store.summaries({ kind: 'host', keys: [address], since: 0, limit: 1, now: now() }),
    ])
    const code = countryOf(address)
    const weight = code === undefined ? 0 : (countries[code] ?? 0)
    return [
      ...this.saidOf(address),
      ...detections,
      ...this.#blocks(address),
      ...(code === undefined ? [] : [{ kind: 'country', code, weight } as const]),
      ...this.#firstSeen([...firsts.map(({ at }) => at), ...sums.items.map(({ firstAt }) => firstAt)]),
    ]
  }

  ofName(name: string): Testimony[] {
    const { indicators, ignoredBecause, now } = this.#parts
    if (ignoredBecause(name) !== undefined) return []
    return [...this.#listed(indicators.ofName(name, now())), ...this.#opinions('domain', name)]
  }

  ofHashes(hashes: Partial<FileHashes>): Testimony[] {
    const { indicators, now } = this.#parts
    return HASH_KINDS.flatMap((kind) => {
      const value = hashes[kind]
      if (value === undefined) return []
      return [...this.#listed(indicators.of(kind, value, now())), ...this.#opinions(kind, value)]
    })
  }

  async ofProgram(
    key: string,
    running?: { readonly owner: Owner; readonly described: ProgramDescription },
  ): Promise<Testimony[]> {
    const firsts = await this.#parts.store.firstSeen({ program: key, limit: FIRSTS_LOOKED_AT })
    return [
      ...this.ofHashes(running?.described.hashes ?? {}),
      ...fileOf(key, running),
      ...this.#worstPeer(key),
      ...this.#firstSeen(firsts.filter(({ kind }) => kind === 'program').map(({ at }) => at)),
    ]
  }

  #listed(listings: readonly Listing[]): Testimony[] {
    const { factsOf, now } = this.#parts
    return listings.flatMap(({ list, confidence, reason }): Testimony[] => {
      const facts = factsOf(list)
      if (!facts) return []
      const { title, category, updatedAt = now() } = facts
      const said = { title, category, confidence: confidence ?? facts.confidence, at: updatedAt }
      return [{ kind: 'list', ...said, ...(reason !== undefined && { reason }) }]
    })
  }

  #opinions(kind: IndicatorKind, value: string): Testimony[] {
    const known = this.#parts.services?.known(kind, value) ?? []
    return known.flatMap(({ service: { title }, answer: { at, opinion } }): Testimony[] =>
      opinion?.score === undefined ? [] : [{ kind: 'service', title, score: opinion.score, at }],
    )
  }

  /** What a detector said last stands for all that it said. */
  async #detections(address: Ip): Promise<Testimony[]> {
    const { items } = await this.#parts.store.alerts({ limit: ALERTS_LOOKED_AT })
    const own = items.filter(
      ({ subject, blame, detector }) => subject === address && blame === undefined && detector !== 'intel',
    )
    const byDetector = new Map(own.toReversed().map((alert) => [alert.detector, alert]))
    return [...byDetector.values()].map(({ detector, severity, confidence, lastSeenAt: at }) => ({
      ...{ kind: 'detection', detector, severity, confidence, at },
    }))
  }

  #blocks(address: Ip): Testimony[] {
    const block = this.#parts.gate.blockOf(address)
    if (!block || isOfList(block)) return []
    const by = block.origin === 'person' ? 'person' : 'detector'
    return [{ kind: 'block', by, actor: block.actor, at: block.since }]
  }

  #firstSeen(firstAts: readonly number[]): Testimony[] {
    const { store, now } = this.#parts
    const { watchedSince } = store.remembered
    const isNewHere = watchedSince === undefined || now() - watchedSince < WATCHED_DAYS * DAY_MS
    return isNewHere || firstAts.length === 0 ? [] : [{ kind: 'first-seen', at: Math.min(...firstAts) }]
  }

  /** The worst of those that a program talks to now. */
  #worstPeer(key: string): Testimony[] {
    const { live, now } = this.#parts
    const own = live.all().filter(({ owner }) => owner && programKeyOf(owner) === key)
    const peers = [...new Set(own.map(({ peer }) => peer))].slice(0, PEERS_LOOKED_AT)
    const [worst] = peers
      .map((address) => ({ address, score: reputationOf(this.saidOf(address), now()).score }))
      .sort((a, b) => b.score - a.score)
    return worst === undefined || worst.score === 0 ? [] : [{ kind: 'peer', ...worst }]
  }
}

function fileOf(
  key: string,
  running: { readonly owner: Owner; readonly described: ProgramDescription } | undefined,
): Testimony[] {
  if (running?.owner.executableGone) return [{ kind: 'file', state: 'gone' }]
  const answer = running?.described.package
  if (answer?.state === 'owned' && answer.file !== 'unknown')
    return [{ kind: 'file', state: answer.file === 'changed' ? 'changed' : 'packaged' }]
  return TEMPORARY.test(key) ? [{ kind: 'file', state: 'temporary' }] : []
}
