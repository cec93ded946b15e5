import { VERDICT } from '#kernel/nft-expressions.ts'
import type { TableScript } from '#kernel/nft-rules.ts'
import { isIpv6 } from '#model/address.ts'
import { type Endpoint, endpointText } from '#model/endpoint.ts'
import {
  acceptFrom,
  acceptKnown,
  BLOCKS,
  FIELD,
  fromOutside,
  ofFamily,
  pairKey,
  pairKeys,
  SECOND_PART,
  TARGET_PORT,
  UDP,
} from './shield-rules.ts'

/** Behind connection tracking, beside the blocks: what is dropped here takes no place in tracking's table. */
const HOOKS = [
  { chain: 'pacing', number: 1 },
  { chain: 'pacing_through', number: 2 },
] as const
const MOST_METERED = 256
const MOST_KNOWN = 8_192

/** A UDP port of this machine, or of one that it forwards to, that takes few new packets a second. */
export interface PacedPort extends Endpoint {
  /** Milliseconds since the epoch. */
  readonly until: number
  readonly perSecond: number
  /** Who was in a conversation with it before. Where tracking was not at work until now, it knows nothing of them. */
  readonly known: readonly Endpoint[]
}

/**
 * Appends sets and chains that hold back what begins a conversation with these ports, beyond their pace. Who is in one
 * already (both sides spoke: connection tracking says established) passes: a forged sender hears no answer, so he has none.
 */
export function writePace(script: TableScript, paced: readonly PacedPort[], now: number): void {
  const perSecond = Math.max(1, ...paced.map((each) => each.perSecond))
  for (const { chain, number } of HOOKS) {
    script.chain(chain, { number, priority: BLOCKS })
    script.rule(chain, 'conversation', (rule) => acceptKnown(fromOutside(rule, UDP)))
  }
  for (const version of [4, 6] as const) {
    const places = paced.filter(({ address }) => isIpv6(address) === (version === 6))
    if (places.length > 0) writeFamily(script, version, { places, perSecond, now })
  }
}

function writeFamily(
  script: TableScript,
  version: 4 | 6,
  { places, perSecond, now }: { places: readonly PacedPort[]; perSecond: number; now: number },
): void {
  const [name, known, meter] = [`paced${version}`, `known${version}`, `pace${version}`]
  const pair = pairKeys(version)
  script.set({ name, ...pair, isTimed: true })
  script.elements(
    name,
    places.map((place) => ({ key: pairKey(place.address, place.port), timeoutMs: place.until - now })),
  )
  script.set({ name: known, ...pair, isHashed: { size: MOST_KNOWN } })
  const peers = new Map(places.flatMap((place) => place.known.map((peer) => [endpointText(peer), peer])))
  script.elements(
    known,
    [...peers.values()].slice(0, MOST_KNOWN).map((peer) => ({ key: pairKey(peer.address, peer.port) })),
  )
  script.set({ name: meter, ...pair, isMeter: { size: MOST_METERED } })
  for (const { chain } of HOOKS) {
    script.rule(chain, 'conversation from before', (rule) =>
      acceptFrom(fromOutside(rule, UDP), version, known),
    )
    script.rule(chain, 'beyond the pace', (rule) =>
      ofFamily(fromOutside(rule, UDP), version)
        .payload(FIELD[version].target)
        .payload(TARGET_PORT, SECOND_PART[version])
        .lookUp(name)
        .beyondLimit(meter, { perSecond, burst: perSecond })
        .counter()
        .verdict(VERDICT.drop),
    )
  }
}
