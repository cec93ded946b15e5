import { BoundedMap } from '#lib/bounded-map.ts'
import type { Ip } from '#model/address.ts'

/** Accounts that are remembered, and networks of each: more than any limit. */
const MOST_ACCOUNTS = 5_000
const MOST_NETWORKS = 64
const DAY_MS = 86_400_000

/** Who failed to log in to an account within a day, in order of time. */
interface Account {
  readonly networks: Map<string, Failure>
  toldAt: number
}

interface Failure {
  readonly at: number
  readonly address: Ip
}

/** What many networks did together. */
export interface Campaign {
  readonly addresses: readonly Ip[]
  readonly firstAt: number
  /** Once a day. */
  readonly isNew: boolean
}

/** Guesses at the password of one account that many networks share out, so that none of them makes many. */
export class SharedGuesses {
  readonly #accounts = new BoundedMap<string, Account>(MOST_ACCOUNTS)
  readonly #least: number

  /** From so many networks on it is a campaign. */
  constructor(least: number) {
    this.#least = least
  }

  /** Notes a failure from a `network`, which is an address or a /64; answers the campaign that it is part of. */
  note(account: string, network: string, failure: Failure): Campaign | undefined {
    const known = this.#accounts.getOrCreate(account, () => ({
      ...{ networks: new Map(), toldAt: Number.NEGATIVE_INFINITY },
    }))
    if (!known) return undefined
    const { networks } = known
    networks.delete(network)
    networks.set(network, failure)
    for (const [oldest, { at }] of networks) {
      if (failure.at - at <= DAY_MS && networks.size <= MOST_NETWORKS) break
      networks.delete(oldest)
    }
    if (networks.size < this.#least) return undefined
    const isNew = failure.at - known.toldAt >= DAY_MS
    if (isNew) known.toldAt = failure.at
    const failures = [...networks.values()]
    return {
      ...{ addresses: failures.map(({ address }) => address), isNew },
      firstAt: failures[0]?.at ?? failure.at,
    }
  }

  /** Forgets what is a day old; where it is crowded, also what one network alone tried. */
  forget(now: number): void {
    const least = this.#accounts.size > MOST_ACCOUNTS / 2 ? 2 : 1
    this.#accounts.deleteWhere(({ networks }) => {
      const latest = [...networks.values()].at(-1)?.at ?? Number.NEGATIVE_INFINITY
      return now - latest > DAY_MS || networks.size < least
    })
  }
}
