import { ipBytes, isIpv6, networkOf, parseTarget, type Target } from '#model/address.ts'
import type { AllowEntry, AllowSource } from '#model/allow.ts'

/** The addresses that may never be blocked. One check for all blocks, by hand and automatic. */
export interface AllowList {
  /** Those of every machine first, then the given ones in their order. */
  readonly entries: readonly AllowEntry[]
  /**
   * The entry because of which `target` must not be blocked. A range is spared when it shares as much as one
   * address with an entry: blocking 10.0.0.0/8 would cut off the gateway 10.0.0.1.
   */
  spares(target: Target): AllowEntry | undefined
}

/** What no machine may ever block (RFC 6890, RFC 5771, RFC 4291). */
const EVERYWHERE: readonly AllowEntry[] = [
  always('127.0.0.0/8', 'loopback', 'loopback'),
  always('::1', 'loopback', 'loopback'),
  always('0.0.0.0', 'group', 'the unspecified address: hosts without an address send from it (DHCP)'),
  always('::', 'group', 'the unspecified address: hosts without an address send from it'),
  always('255.255.255.255', 'group', 'broadcast: all hosts of the network'),
  always('224.0.0.0/4', 'group', 'multicast: groups of hosts'),
  always('ff00::/8', 'group', 'multicast: groups of hosts, and how IPv6 neighbours find each other'),
]

/** IPv6 addresses that stand for IPv4 ones: mapped (RFC 4291 §2.5.5.2), and behind a NAT64 (RFC 6052 §2.1). */
const EMBEDDING = [0xffff_0000_0000n, 0x64_ff9b_0000_0000_0000_0000_0000_0000n] as const
const LAST_IPV4 = 0xffff_ffffn

interface Span {
  readonly entry: AllowEntry
  readonly first: bigint
  readonly last: bigint
}

/**
 * Entries that name a person's reason to stay reachable (gateway, session …) are found before the general ones,
 * so that a refused range names what it would have cut off.
 */
export function createAllowList(given: readonly AllowEntry[]): AllowList {
  const ipv4: Span[] = []
  const ipv6: Span[] = []
  for (const entry of [...given, ...EVERYWHERE]) {
    ;(isIpv6(entry.target) ? ipv6 : ipv4).push({ entry, ...spanOf(entry.target) })
  }
  return {
    entries: [...EVERYWHERE, ...given],
    spares(target) {
      const span = spanOf(target)
      if (!isIpv6(target)) return sharing(ipv4, span)
      const embedded = EMBEDDING.map((base) => ({
        first: clipped(span.first - base),
        last: span.last - base,
      }))
      return (
        sharing(ipv6, span) ??
        embedded
          .filter(({ first, last }) => last >= 0n && first <= LAST_IPV4)
          .map((inner) => sharing(ipv4, inner))
          .find((entry) => entry !== undefined)
      )
    },
  }
}

const sharing = (spans: readonly Span[], { first, last }: Omit<Span, 'entry'>): AllowEntry | undefined =>
  spans.find((span) => span.first <= last && first <= span.last)?.entry

const clipped = (value: bigint): bigint => (value < 0n ? 0n : value)

function spanOf(target: Target): { readonly first: bigint; readonly last: bigint } {
  const { network, bits } = networkOf(target)
  const bytes = ipBytes(network)
  let first = 0n
  for (const byte of bytes) first = (first << 8n) | BigInt(byte)
  return { first, last: first | ((1n << BigInt(bytes.length * 8 - bits)) - 1n) }
}

function always(text: string, source: AllowSource, note: string): AllowEntry {
  const target = parseTarget(text)
  if (target === undefined) throw new Error(`${text} is neither an address nor a range`)
  return { target, source, note }
}
