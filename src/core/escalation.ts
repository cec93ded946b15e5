import { RecentMap } from '#lib/recent-map.ts'
import { type Ip, isIpv6, isRange, networkOf, type Target } from '#model/address.ts'
import type { Decision } from '#model/decision.ts'
import { networkAround } from '#policy/respond/networks.ts'
import { duration } from './present.ts'

const MOST_OFFENDERS = 65_536
/** More blocks than steps of any escalation. */
const MOST_KEPT = 16
const DAY_MS = 86_400_000
/** Whose blocks count together: one IPv6 link, and the sites around it. */
const IPV6_BITS = [64, 56, 48] as const

/** Who was blocked before, from the decisions of this and earlier runs: repeaters are blocked for longer. */
export interface Escalation {
  /** Takes in a decision, in the order in which they were made. */
  learn(decision: Decision): void
  /** Automatic blocks that ended within the last days, and what the next one is in words: "third time in 7 days". */
  repeats(subject: Ip, at: number): { readonly times: number; readonly words: string }
}

/** `past`: remembered decisions, oldest first. A block counts for `days`, as they are then, after its end. Bounded. */
export function createEscalation(days: () => number, past: readonly Decision[]): Escalation {
  /** Offender → when its blocks end, oldest first. */
  const endsOf = new RecentMap<Target, readonly Past[]>(MOST_OFFENDERS)

  function learn({ kind, target, actor, at, alertId, forSeconds = 0 }: Decision): void {
    // Others are about ports, settings, lists: their targets are no addresses.
    if (kind === 'unblock' && actor !== 'gatehouse') endsOf.delete(offenderOf(target))
    if (kind === 'block' && alertId !== undefined) count(target, at, at + forSeconds * 1000)
  }

  function count(target: Target, at: number, end: number): void {
    const offender = offenderOf(target)
    const before = endsOf.get(offender) ?? []
    const last = before.at(-1)
    // One that a playbook made longer is still the same block.
    const others = last?.target === target && last.end > at ? before.slice(0, -1) : before
    endsOf.set(offender, [...others, { target, end }].slice(-MOST_KEPT))
  }
  for (const decision of past) learn(decision)

  return {
    learn,
    repeats(subject, at) {
      const keptMs = days() * DAY_MS
      const ends = offendersAround(subject).flatMap((offender) => endsOf.get(offender) ?? [])
      const times = ends.filter(({ end }) => at - end < keptMs).length
      return { times, words: `${ordinal(times + 1)} time in ${duration(keptMs / 1000)}` }
    },
  }
}

interface Past {
  readonly target: Target
  /** Milliseconds since the epoch. */
  readonly end: number
}

/** Under which name a block counts: an IPv6 address by its /64. */
const offenderOf = (target: Target): Target =>
  isIpv6(target) && networkOf(target).bits > IPV6_BITS[0]
    ? networkAround(isRange(target) ? networkOf(target).network : (target as Ip), IPV6_BITS[0])
    : target

const offendersAround = (subject: Ip): readonly Target[] =>
  isIpv6(subject) ? IPV6_BITS.map((bits) => networkAround(subject, bits)) : [subject]

const ORDINALS = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth']

const ordinal = (number: number): string => ORDINALS[number - 1] ?? `${number}th`
