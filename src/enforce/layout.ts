import type { BrakeLayout, Family, Pace, TableLayout } from '#kernel/nft-table.ts'
import { isIpv6, isRange, type Target } from '#model/address.ts'
import { handedOver, type RuleLogOptions } from './rule-log.ts'

/**
 * After connection tracking (−200), before mangle (−150), NAT (−100) and every filter chain (firewalld, Docker, ufw: 0
 * and up): what is blocked is counted by us and reaches nobody else's rules, and outgoing packets still bear the
 * address that the program dialled. Others' accept cannot undo a drop of ours (nft(8), "Base chains").
 */
const PRIORITY = -160

const FAMILIES: readonly Family[] = [4, 6]

/** The sets of one family. Single addresses apart from ranges: an interval set is slow to change. */
export interface FamilySets {
  readonly family: Family
  readonly addresses: string
  /** Who gets few packets through. */
  readonly limited: string
  /** What is dropped: segments that share no address. */
  readonly ranges: string
  /** The ranges as they were asked for, with their notes: no rule reads it, the next run adopts it. */
  readonly book: string
  /** Who refused whom of late: one host, another host. */
  readonly refused: string
}

/** What the kernel slows, and hands over; absent: it does not. */
export interface Limits {
  /** Refusals that one host gets from another. */
  readonly refusals?: Pace
  /** Packets of each limited address. */
  readonly packets?: Pace
  /** Of the packets that are turned away. */
  readonly log?: RuleLogOptions
}

const setsOf = (family: Family): FamilySets => ({
  family,
  addresses: `blocked${family}`,
  limited: `limited${family}`,
  ranges: `ranges${family}`,
  book: `range_book${family}`,
  refused: `refused${family}`,
})

export const FAMILY_SETS: readonly FamilySets[] = FAMILIES.map(setsOf)

const DROPPING_SETS = FAMILY_SETS.flatMap(({ addresses, ranges }) => [addresses, ranges])
const DROPS_BY_SOURCE = DROPPING_SETS.map((set) => ({ by: 'source', set }) as const)
const DROPS_BY_TARGET = DROPPING_SETS.map((set) => ({ by: 'target', set }) as const)

/**
 * Our one table: what comes from a blocked address is dropped on its way in and through, what goes to it on its way
 * out. What a limited address sends is dropped beyond its pace, once it is blocked all of it. Refusals are slowed by
 * the brakes (docs/decisions/008). Some of what is dropped is handed over (docs/decisions/033).
 */
export function layoutOf(table: string, { refusals, packets, log }: Limits = {}): TableLayout {
  const brakes: BrakeLayout[] = refusals
    ? FAMILY_SETS.map(({ refused }) => ({ set: refused, ...refusals }))
    : []
  const paced = packets ? FAMILY_SETS.map(({ limited }) => ({ by: 'source', set: limited }) as const) : []
  return {
    table,
    ...(log && { handed: handedOver(log, 'block:') }),
    sets: FAMILY_SETS.flatMap(({ family, addresses, limited, ranges, book, refused }) => [
      { name: addresses, family, holds: 'address' },
      { name: ranges, family, holds: 'interval' },
      { name: book, family, holds: 'network' },
      ...(packets ? [{ name: limited, family, holds: 'address', pace: packets } as const] : []),
      ...(refusals ? [{ name: refused, family, holds: 'pair' } as const] : []),
    ]),
    chains: [
      { hook: 'input', priority: PRIORITY, drops: [...DROPS_BY_SOURCE, ...paced] },
      {
        hook: 'forward',
        priority: PRIORITY,
        drops: [...DROPS_BY_SOURCE, ...DROPS_BY_TARGET, ...paced],
        brakes,
      },
      { hook: 'output', priority: PRIORITY, drops: DROPS_BY_TARGET, brakes },
    ],
  }
}

const familyOf = (target: Target): Family => (isIpv6(target) ? 6 : 4)

/** Targets of one family, addresses or ranges. */
export const isOf = (sets: FamilySets, target: Target, kind: 'address' | 'range'): boolean =>
  familyOf(target) === sets.family && isRange(target) === (kind === 'range')
