import { RecentMap } from '#lib/recent-map.ts'
import { type Cidr, type Ip, isIpv6, parseTarget, type Target } from '#model/address.ts'

const WITHIN_MS = 3_600_000
const MOST_NETWORKS = 8_192
/** A link, a small site, a site (RFC 6177 §2): what one customer gets. */
const SITES = [56, 48] as const
const LINK_BITS = 64

/** Who attacked from one network: address or smaller network → when last. At most `after` are kept. */
type Attackers = Map<Target, number>

/** Which IPv6 network to name when somebody attacks from many of its addresses. */
export interface Networks {
  /**
   * Notes the attack and answers the networks around `subject` that are to be blocked whole, widest first; none is
   * the usual answer. `isProven`: a handshake shows that the source is who it says.
   */
  around(subject: Ip, at: number, isProven: boolean): readonly Cidr[]
}

/**
 * A /64 is due when `after` of its addresses attacked within an hour, a wider network when `after` of the next smaller
 * ones were due. Forged packets can bear any address, so beyond the /64 only proven ones count: three times three
 * forged ones must not shut out a provider. `after` 0: never. Bounded.
 */
export function createNetworks(after: number): Networks {
  const attackersOf = new RecentMap<Cidr, Attackers>(MOST_NETWORKS)

  function isDue(network: Cidr, attacker: Target, at: number): boolean {
    const attackers = attackersOf.get(network) ?? new Map<Target, number>()
    attackersOf.set(network, attackers)
    for (const [old, oldAt] of attackers) if (at - oldAt >= WITHIN_MS) attackers.delete(old)
    if (attackers.size < after || attackers.has(attacker)) attackers.set(attacker, at)
    return attackers.size >= after
  }

  function sitesAround(subject: Ip, link: Cidr, at: number): Cidr[] {
    const due = [link]
    for (const bits of SITES) {
      const site = networkAround(subject, bits)
      if (!isDue(site, due[0] as Cidr, at)) break
      due.unshift(site)
    }
    return due
  }

  return {
    around(subject, at, isProven) {
      if (after === 0 || !isIpv6(subject)) return []
      const link = networkAround(subject, LINK_BITS)
      if (!isDue(link, subject, at)) return []
      return isProven ? sitesAround(subject, link, at) : [link]
    },
  }
}

/** The network of `bits` that an IPv6 address is in. */
export function networkAround(address: Ip, bits: number): Cidr {
  const network = parseTarget(`${address}/${bits}`)
  if (network === undefined) throw new Error(`${address} is no address`)
  return network as Cidr
}
