import type { RuleSimulation } from '../../../src/contract/rules.ts'

const HOUR_MS = 3_600_000
/** A slice is short enough that a bar moves and a stop is soon heard; few enough that asking costs little. */
const MOST_SLICES = 24

/** A period that ends now in equal parts, newest first. */
export function slicesOf(now: number, hours: number): { readonly since: number; readonly until: number }[] {
  const parts = Math.min(MOST_SLICES, Math.max(6, hours))
  const length = (hours * HOUR_MS) / parts
  return Array.from({ length: parts }, (_, at) => ({
    since: now - (at + 1) * length,
    until: now - at * length,
  }))
}

export const noSimulation = (now: number): RuleSimulation => ({
  since: now,
  flows: 0,
  changed: 0,
  isPartial: false,
  differences: [],
})

/** What was found so far with one slice more; the same difference is one, the most frequent first. */
export function addSlice(so: RuleSimulation, far: RuleSimulation): RuleSimulation {
  const differences = new Map(so.differences.map((one) => [keyOf(one), one]))
  for (const one of far.differences) {
    const known = differences.get(keyOf(one))
    const sum = known ? { ...one, flows: one.flows + known.flows, bytes: one.bytes + known.bytes } : one
    differences.set(keyOf(one), sum)
  }
  return {
    since: far.since,
    flows: so.flows + far.flows,
    changed: so.changed + far.changed,
    isPartial: so.isPartial || far.isPartial,
    differences: [...differences.values()].sort((a, b) => b.flows - a.flows),
  }
}

const keyOf = ({
  program,
  host,
  port,
  protocol,
  direction,
  to,
}: RuleSimulation['differences'][number]): string =>
  JSON.stringify([program, host, port, protocol, direction, to])
