import { BoundedMap } from '#lib/bounded-map.ts'
import { UsualHours } from '#lib/usual-hours.ts'
import type { Ip } from '#model/address.ts'
import type { Usual } from '#model/baseline.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Keys of one hour that nobody follows yet; what comes beyond is counted by nobody. */
const MOST_CURRENT = 20_000
/** What was quiet for so long makes room. */
const QUIET_MS = 30 * DAY_MS
/** Newcomers of one hour that may take the place of others. */
const MOST_EXCHANGED = 50

export interface UsualBookOptions {
  readonly observer: string
  /** Keys that are followed over the weeks. */
  readonly capacity: number
  /** What is less than this in an hour is not followed. */
  readonly least: number
  readonly learnDays: number
  /** Unusual is more than so many percent of the mean, and more than so many spreads above it. */
  readonly percent: number
  readonly spreads: number
}

/** What one key came to in this hour, and with whom the most of it. */
export interface Hour {
  readonly beganAt: number
  amount: number
  peer: Ip
  peerAmount: number
  /** Something was told of it. */
  isTold: boolean
}

/** `isUnusual` is undefined while it is being learned what is usual. */
export interface Judgement {
  readonly isUnusual: boolean | undefined
  readonly mean: number
}

interface Followed {
  readonly hours: UsualHours
  /** Milliseconds since the epoch: since when it is followed, up to where it learned, when there was anything. */
  readonly since: number
  until: number
  activeAt: number
  current: Hour | undefined
}

/** Amounts by key and hour, held against what is usual for that key in that hour of the week. */
export class UsualBook {
  readonly #options: UsualBookOptions
  readonly #followed = new Map<string, Followed>()
  #current = new BoundedMap<string, Hour & { readonly key: string }>(MOST_CURRENT)
  #hour = Number.NaN
  #isWhole = false
  #dirty = new Set<string>()

  constructor(options: UsualBookOptions) {
    this.#options = options
  }

  /** Adds to the hour of `now`; undefined where there is no room. */
  add(key: string, amount: number, peer: Ip, now: number): Hour | undefined {
    this.turn(now)
    const hour = this.#hourOf(key, peer)
    if (!hour) return undefined
    hour.amount += amount
    // The one with the most, or near enough (Boyer and Moore's vote).
    if (hour.peer === peer) hour.peerAmount += amount
    else if (hour.peerAmount >= amount) hour.peerAmount -= amount
    else Object.assign(hour, { peer, peerAmount: amount - hour.peerAmount })
    return hour
  }

  judge(key: string, amount: number, now: number): Judgement {
    const followed = this.#followed.get(key)
    if (!followed) return { isUnusual: undefined, mean: 0 }
    const { learnDays, percent, spreads } = this.#options
    const { mean, spread } = followed.hours.at(now)
    if (now - followed.since < learnDays * DAY_MS) return { isUnusual: undefined, mean }
    const limit = Math.max((mean * percent) / 100, mean + spread * spreads)
    return { isUnusual: amount > limit, mean }
  }

  /** Ends the hour when it is over: what was whole is learned. */
  turn(now: number): void {
    const hour = Math.floor(now / HOUR_MS)
    if (hour === this.#hour) return
    // Of the first hour, of one that the machine slept through, and of one whose clock was set, nobody saw the whole.
    const isNext = hour === this.#hour + 1
    if (isNext && this.#isWhole) this.#learn(this.#hour * HOUR_MS)
    this.#isWhole = isNext
    this.#hour = hour
    this.#current = new BoundedMap(MOST_CURRENT)
    for (const followed of this.#followed.values()) followed.current = undefined
  }

  /** What an earlier run learned. Hours between the runs are not known, and not taken for quiet. */
  recall(usual: readonly Usual[]): void {
    for (const { key, since, until, state } of usual.slice(0, this.#options.capacity)) {
      this.#followed.set(key, {
        hours: new UsualHours(state),
        since,
        until,
        activeAt: until,
        current: undefined,
      })
    }
  }

  /** What was learned since the last call, or all of it. */
  learned(all: boolean): Usual[] {
    const keys = all ? [...this.#followed.keys()] : [...this.#dirty]
    this.#dirty = new Set()
    return keys.flatMap((key) => {
      const followed = this.#followed.get(key)
      if (!followed) return []
      const { hours, since, until } = followed
      return [{ observer: this.#options.observer, key, since, until, state: hours.state }]
    })
  }

  /** Until when it learns; undefined once something is known. Milliseconds since the epoch. */
  learnsUntil(now: number): number | undefined {
    const oldest = Math.min(now, ...[...this.#followed.values()].map(({ since }) => since))
    const until = oldest + this.#options.learnDays * DAY_MS
    return until > now ? until : undefined
  }

  /** A crowd of strangers takes no room from those that are followed. */
  #hourOf(key: string, peer: Ip): Hour | undefined {
    const beganAt = this.#hour * HOUR_MS
    const create = () => ({ key, beganAt, amount: 0, peer, peerAmount: 0, isTold: false })
    const followed = this.#followed.get(key)
    if (!followed) return this.#current.getOrCreate(key, create)
    followed.current ??= create()
    return followed.current
  }

  #learn(at: number): void {
    this.#admit(at)
    for (const [key, followed] of this.#followed) {
      const amount = followed.current?.amount ?? 0
      followed.hours.learn(at, amount)
      followed.until = at + HOUR_MS
      if (amount > 0) {
        followed.activeAt = at
        this.#dirty.add(key)
      } else if (at - followed.activeAt > QUIET_MS) this.#followed.delete(key)
    }
  }

  /** Follows what is new: the largest first, and in the place of smaller ones where it is crowded. */
  #admit(at: number): void {
    const { capacity, least } = this.#options
    const fresh = [...this.#current.values()]
      .filter(({ amount }) => amount >= least)
      .sort((a, b) => b.amount - a.amount)
    const room = Math.max(0, capacity - this.#followed.size)
    for (const hour of fresh.slice(0, room)) this.#follow(hour, at)
    const small = [...this.#followed].sort(([, a], [, b]) => a.hours.mean - b.hours.mean)
    for (const [index, hour] of fresh.slice(room, room + MOST_EXCHANGED).entries()) {
      const [gone, followed] = small[index] ?? []
      if (gone === undefined || !followed || followed.hours.mean * 2 >= hour.amount / 168) return
      this.#followed.delete(gone)
      this.#follow(hour, at)
    }
  }

  #follow(current: Hour & { readonly key: string }, at: number): void {
    this.#followed.set(current.key, {
      ...{ hours: new UsualHours(), since: at, until: at, activeAt: at, current },
    })
  }
}
