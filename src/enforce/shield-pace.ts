import { COMPARE, META, PAYLOAD, type RuleExpressions, VERDICT } from '#kernel/nft-expressions.ts'
import type { TableScript } from '#kernel/nft-rules.ts'
import { isIpv6 } from '#model/address.ts'
import { type Endpoint, endpointText } from '#model/endpoint.ts'
import { bytesOfAddress } from './segments.ts'

/** Behind connection tracking, beside the blocks (layout.ts): what is dropped here takes no place in tracking's table. */
const BLOCKS = -160
const HOOKS = [
  { chain: 'pacing', number: 1 },
  { chain: 'pacing_through', number: 2 },
] as const
const UDP = 17
const LOOPBACK_INDEX = 1
/** In the kernel's bits (NF_CT_STATE_BIT): established and related. */
const ESTABLISHED_OR_RELATED = 2 | 4
/** nft's own numbers of data types (libnftables datatype.h), and how many bits each takes in one of several parts. */
const TYPE = { 4: 7, 6: 8, port: 13 } as const
const TYPE_BITS = 6
const FAMILY = {
  4: { number: 2, source: network(12, 4), target: network(16, 4), secondPart: 9 },
  6: { number: 10, source: network(8, 16), target: network(24, 16), secondPart: 12 },
} as const
const SOURCE_PORT = { base: PAYLOAD.transport, offset: 0, bytes: 2 }
const TARGET_PORT = { base: PAYLOAD.transport, offset: 2, bytes: 2 }
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
    script.rule(chain, 'conversation', (rule) =>
      datagram(rule)
        .connectionState()
        .maskBytes(hostBytes(ESTABLISHED_OR_RELATED))
        .compare(COMPARE.different, new Uint8Array(4))
        .verdict(VERDICT.accept),
    )
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
  const { source, target, secondPart } = FAMILY[version]
  const [name, known, meter] = [`paced${version}`, `known${version}`, `pace${version}`]
  const pair = { type: (TYPE[version] << TYPE_BITS) | TYPE.port, keyBytes: target.bytes + 4 }
  script.set({ name, ...pair, isTimed: true })
  script.elements(
    name,
    places.map((place) => ({ key: keyOf(place), timeoutMs: place.until - now })),
  )
  script.set({ name: known, ...pair, isHashed: { size: MOST_KNOWN } })
  const peers = new Map(places.flatMap((place) => place.known.map((peer) => [endpointText(peer), peer])))
  script.elements(
    known,
    [...peers.values()].slice(0, MOST_KNOWN).map((peer) => ({ key: keyOf(peer) })),
  )
  script.set({ name: meter, ...pair, isMeter: { size: MOST_METERED } })
  for (const { chain } of HOOKS) {
    script.rule(chain, 'conversation from before', (rule) =>
      datagram(rule, version)
        .payload(source)
        .payload(SOURCE_PORT, secondPart)
        .lookUp(known)
        .verdict(VERDICT.accept),
    )
    script.rule(chain, 'beyond the pace', (rule) =>
      datagram(rule, version)
        .payload(target)
        .payload(TARGET_PORT, secondPart)
        .lookUp(name)
        .beyondLimit(meter, { perSecond, burst: perSecond })
        .counter()
        .verdict(VERDICT.drop),
    )
  }
}

function datagram(rule: RuleExpressions, version?: 4 | 6): RuleExpressions {
  const any = rule
    .meta(META.inputLink)
    .compare(COMPARE.different, hostBytes(LOOPBACK_INDEX))
    .meta(META.protocol)
    .compare(COMPARE.equal, Uint8Array.of(UDP))
  if (version === undefined) return any
  return any.meta(META.family).compare(COMPARE.equal, Uint8Array.of(FAMILY[version].number))
}

/** Address, port, padding. */
const keyOf = ({ address, port }: Endpoint): Uint8Array =>
  Uint8Array.of(...bytesOfAddress(address), port >> 8, port & 255, 0, 0)

function network(offset: number, bytes: number) {
  return { base: PAYLOAD.network, offset, bytes }
}

/** A number as the kernel itself holds it. */
const hostBytes = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)
