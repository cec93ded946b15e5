import type { Indicators } from '#intel/indicators/indicators.ts'
import type { ListAction } from '#intel/settings.ts'
import { RecentMap } from '#lib/recent-map.ts'
import { contains, type Ip, parseTarget } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import type { FlowNote } from '#model/flow-note.ts'
import type { IndicatorKind, ListCategory, Listing } from '#model/indicator.ts'
import type { ProgramHashes } from './program-hashes.ts'

/** What the desk has to know of a list. */
export interface ListFacts {
  readonly id: string
  readonly title: string
  readonly category: ListCategory
  readonly confidence: number
  readonly action: ListAction
  readonly isOwn: boolean
}

/** One list that holds something of a connection. */
export interface Hit {
  readonly facts: ListFacts
  readonly listing: Listing
  /** `address`: one of its two ends, the only thing that a block can be about. */
  readonly of: 'address' | 'name' | 'url' | 'program' | 'client'
  /** What was looked up. */
  readonly value: string
}

export interface HitFinderParts {
  readonly indicators: Pick<Indicators, 'ofAddress' | 'ofName' | 'of'>
  readonly factsOf: (list: string) => ListFacts | undefined
  /** Addresses, ranges and domains that no list is believed about. */
  readonly ignore: readonly string[]
  readonly notes: { of(flow: number): FlowNote | undefined }
  readonly hashes: Pick<ProgramHashes, 'of'>
}

export interface HitFinder {
  in(connection: Connection, at: number): readonly Hit[]
  /** The entry of `ignore` that names it. */
  ignoredBecause(value: string): string | undefined
  /** Lists have changed: what was looked up before counts no more. */
  forget(): void
}

const NONE: readonly Hit[] = []
const NOTHING: readonly Listing[] = []
const TEXTS = 20_000
/** Entries of lists come to their end meanwhile. */
const TEXT_LASTS_MS = 600_000

type TextKind = Exclude<IndicatorKind, 'target' | 'domain'>

/** Holds what is known of a connection against all lists: both ends of a forwarded one, its name, its program, its words. */
export function createHitFinder(parts: HitFinderParts): HitFinder {
  const { indicators, notes, hashes } = parts
  const ignored = createIgnored(parts.ignore)
  /** Hashing a text takes a microsecond, and a connection is looked at each time that it changes. */
  const texts = new RecentMap<string, { readonly at: number; readonly listings: readonly Listing[] }>(TEXTS)

  function ofText(kind: TextKind, value: string | undefined, at: number): readonly Listing[] {
    if (value === undefined) return NOTHING
    const key = `${kind} ${value}`
    const known = texts.get(key)
    if (known && at - known.at < TEXT_LASTS_MS) return known.listings
    const listings = indicators.of(kind, value, at)
    texts.set(key, { at, listings })
    return listings
  }

  function inAddresses({ peer, source, direction }: Connection, at: number): readonly Hit[] {
    const ofPeer = hits('address', peer, indicators.ofAddress(peer, at))
    // Of a forwarded connection neither end is ours.
    return direction === 'forward'
      ? [...ofPeer, ...hits('address', source, indicators.ofAddress(source, at))]
      : ofPeer
  }

  function inWords({ id, owner }: Connection, at: number): readonly Hit[] {
    const { ja3, ja4, url } = notes.of(id) ?? {}
    const { sha256, sha1, md5 } = (owner && hashes.of(owner)) ?? {}
    const program = [...ofText('sha256', sha256, at), ...ofText('sha1', sha1, at), ...ofText('md5', md5, at)]
    return [
      ...hits('url', url ?? '', ofText('url', url, at)),
      ...hits('client', ja4 ?? '', [...ofText('ja3', ja3, at), ...ofText('ja4', ja4, at)]),
      ...hits('program', sha256 ?? '', program),
    ]
  }

  function hits(of: Hit['of'], value: string, listings: readonly Listing[]): readonly Hit[] {
    if (listings.length === 0 || ignored(value) !== undefined) return NONE
    return listings.flatMap((listing) => {
      const facts = parts.factsOf(listing.list)
      return facts ? [{ facts, listing, of, value }] : []
    })
  }

  return {
    in(connection, at) {
      const { name } = connection
      const named = name === undefined ? NONE : hits('name', name, indicators.ofName(name, at))
      const addresses = inAddresses(connection, at)
      const words = inWords(connection, at)
      return addresses.length + named.length + words.length === 0 ? NONE : [...addresses, ...named, ...words]
    },
    ignoredBecause: ignored,
    forget: () => texts.clear(),
  }
}

/** Answers the entry that names an address or a domain. */
function createIgnored(entries: readonly string[]): (value: string) => string | undefined {
  const targets = entries.flatMap((entry) => parseTarget(entry) ?? [])
  const domains = entries
    .filter((entry) => parseTarget(entry) === undefined)
    .map((entry) => entry.toLowerCase())
  return (value) => {
    if (targets.length + domains.length === 0) return undefined
    const address = parseTarget(value)
    if (address !== undefined) return targets.find((target) => contains(target, address))
    const name = value.toLowerCase()
    return domains.find((domain) => name === domain || name.endsWith(`.${domain}`))
  }
}

/** The end of a connection that a hit blames: the listed one, else the peer. */
export const blamed = ({ of, value }: Hit, { peer }: Connection): Ip =>
  of === 'address' ? (value as Ip) : peer
