import type { DomainPattern } from '#model/domain.ts'
import type { AddressSpans, Condition, ConditionKind, IpFamily, RuleDirection } from '#model/rule.ts'
import type { ProgramStep } from '#model/rule-program.ts'
import { withoutSpans } from './address-spans.ts'
import type { ProgramSets } from './program-sets.ts'
import { endOf } from './rule-end.ts'

/** What is asked of one end of a packet: to be among addresses, or to be known by a name. */
export type AskedAddress = { readonly end: 'source' | 'target'; readonly not: boolean } & (
  | { readonly spans: AddressSpans }
  | { readonly domains: readonly DomainPattern[] }
)

export const ADDRESS_KINDS: readonly ConditionKind[] = ['source', 'target', 'country', 'asn', 'domain']

/** None for conditions that are done elsewhere. */
export function addressesAsked(condition: Condition, direction: RuleDirection): AskedAddress[] {
  const { not } = condition
  switch (condition.kind) {
    case 'source':
    case 'target':
      return [{ end: condition.kind, not, spans: condition.spans }]
    case 'country':
    case 'asn': {
      // Turned round it still asks for addresses of which the country is known.
      const spans = not ? others(condition.known, condition.spans) : condition.spans
      return [{ end: endOf(condition.end, direction), not: false, spans }]
    }
    case 'domain':
      return [{ end: endOf(condition.end, direction), not, domains: condition.domains }]
    default:
      return []
  }
}

/** Rules that leave out the same places share one set. */
const left = new WeakMap<AddressSpans, { readonly of: AddressSpans; readonly spans: AddressSpans }>()

function others(all: AddressSpans, some: AddressSpans): AddressSpans {
  const known = left.get(some)
  if (known?.of === all) return known.spans
  const spans = withoutSpans(all, some)
  left.set(some, { of: all, spans })
  return spans
}

/**
 * For each end that is asked about, the steps that it takes: one list of them where several lists are given, and any of
 * them will do. Undefined: no packet of the family matches. `isOneRow`: what the rule counts must be in one place.
 */
export function addressChoices(
  asked: readonly AskedAddress[],
  family: IpFamily | undefined,
  { sets, isOneRow }: { readonly sets: ProgramSets; readonly isOneRow: boolean },
): readonly (readonly (readonly ProgramStep[])[])[] | undefined {
  if (asked.some((one) => isEmpty(one, family) && !one.not)) return undefined
  const choices: (readonly ProgramStep[])[][] = []
  for (const one of asked) {
    if (isEmpty(one, family)) continue
    const steps = 'spans' in one && !isOneRow ? partedSteps(one, family, sets) : [stepOf(one, family, sets)]
    choices.push(one.not ? [steps] : steps.map((step) => [step]))
  }
  return choices
}

const isEmpty = (one: AskedAddress, family: IpFamily | undefined): boolean =>
  'spans' in one && (family === 4 ? one.spans.v4 : one.spans.v6).length === 0

function partedSteps(
  { end, not, spans }: AskedAddress & { readonly spans: AddressSpans },
  family: IpFamily | undefined,
  sets: ProgramSets,
): ProgramStep[] {
  return family === 4
    ? sets.parted4(spans, not).map((test) => ({ on: `${end}4`, test }))
    : sets.parted6(spans, not).map((test) => ({ on: `${end}6`, test }))
}

function stepOf(one: AskedAddress, family: IpFamily | undefined, sets: ProgramSets): ProgramStep {
  const { end, not } = one
  if (family === 4) {
    const test = 'spans' in one ? sets.addresses4(one.spans, not) : sets.names(one.domains, 4, not)
    return { on: `${end}4`, test }
  }
  const test = 'spans' in one ? sets.addresses6(one.spans, not) : sets.names(one.domains, 6, not)
  return { on: `${end}6`, test }
}
