import type { Block } from '#model/block.ts'
import type { Decision } from '#model/decision.ts'
import type { Trust } from '#model/trust.ts'

/** Which detectors in the mode `suggest` have earned to act by themselves. */
export interface Suggestions {
  isTrusted(detector: string): boolean
  /** A person accepted what the detector proposed; answers how it stands now. */
  accepted(detector: string): Trust
  /** A person who takes back what a detector blocked by itself ends its trust. `block`: what the decision was about. */
  learn(decision: Decision, block: Block | undefined): void
}

export interface SuggestionsParts {
  readonly remembered: readonly Trust[]
  /** So many accepted suggestions earn trust. */
  readonly confirmations: () => number
  readonly now: () => number
  readonly record: (trust: Trust) => void
}

export function createSuggestions({ remembered, confirmations, now, record }: SuggestionsParts): Suggestions {
  const trusts = new Map(remembered.map((trust) => [trust.detector, trust]))

  function keep(detector: string, accepted: number): Trust {
    const trust = { detector, accepted, at: now() }
    trusts.set(detector, trust)
    record(trust)
    return trust
  }

  return {
    isTrusted: (detector) => (trusts.get(detector)?.accepted ?? 0) >= confirmations(),
    accepted: (detector) => keep(detector, (trusts.get(detector)?.accepted ?? 0) + 1),
    learn({ kind, actor }, block) {
      if (kind !== 'unblock' || actor === 'gatehouse' || block?.origin !== 'detector') return
      if (trusts.has(block.actor)) keep(block.actor, 0)
    },
  }
}
