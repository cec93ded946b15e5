import type { Ip, Target } from '#model/address.ts'

/** What is asked before a new version of a list is taken. */
export interface Comparison {
  readonly before: number
  readonly after: number
  /** Share of the entries that may go at once. */
  readonly maxShrink: number
  /** So many times as many entries may come at once. */
  readonly maxGrow: number
  /** Peers of this month that the new version would block, some of them; empty where the list does not block. */
  readonly talkedTo: readonly Ip[]
  /** Allowed addresses and ranges that it names. */
  readonly allowed: readonly Target[]
}

/** Smaller lists change by chance. */
const FEW = 100
const SHOWN = 5

/** Why a person should look before it is taken; undefined when nobody needs to. */
export function reasonToHold(comparison: Comparison): string | undefined {
  const { before, after, maxShrink, maxGrow, talkedTo, allowed } = comparison
  if (after === 0) return before === 0 ? 'it is empty' : `it is empty, and had ${before} entries`
  if (before >= FEW && after < before * (1 - maxShrink)) return `it shrank from ${before} to ${after} entries`
  if (before >= FEW && after > before * maxGrow) return `it grew from ${before} to ${after} entries`
  if (allowed.length > 0) return `it would block what the allow list names: ${some(allowed)}`
  if (talkedTo.length > 0) return `it would block whom you talked to this month: ${some(talkedTo)}`
  return undefined
}

const some = (all: readonly string[]): string =>
  all.slice(0, SHOWN).join(', ') + (all.length > SHOWN ? ` and ${all.length - SHOWN} more` : '')
