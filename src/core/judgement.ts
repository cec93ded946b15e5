import type { Block } from '#model/block.ts'
import type { Decision } from '#model/decision.ts'
import { createResponder, type Responder } from '#policy/respond/respond.ts'
import type { RespondSettings } from '#policy/respond/settings.ts'
import type { Store } from '#store/store.ts'
import type { AllowBook } from './allow-book.ts'
import { createEscalation } from './escalation.ts'
import type { Guests } from './guests.ts'
import { createSuggestions, type Suggestions } from './suggestions.ts'

/** The responder with its memory: who was blocked before, and which detectors have earned trust. */
export interface Judgement extends Responder {
  readonly suggestions: Suggestions
  /** As they are in force. */
  readonly settings: RespondSettings
  /** From now on these settings hold; budgets and the memory of IPv6 networks begin anew. */
  adopt(settings: RespondSettings): void
  /** Takes in each decision as it is made, with the block that it is about. */
  learn(decision: Decision, block: Block | undefined): void
}

export function createJudgement(parts: {
  readonly settings: RespondSettings
  readonly store: Pick<Store, 'remembered' | 'recordTrust'>
  readonly allow: Pick<AllowBook, 'spares'>
  /** Where somebody was logged in from within `respond.guestDays`. */
  readonly guests?: Pick<Guests, 'isGuest'>
  readonly now: () => number
}): Judgement {
  const { store, allow, now } = parts
  let settings = parts.settings
  const escalation = createEscalation(() => settings.escalationDays, store.remembered.past)
  const suggestions = createSuggestions({
    remembered: store.remembered.trusts,
    confirmations: () => settings.confirmations,
    now,
    record: (trust) => void store.recordTrust(trust),
  })
  const responder = (): Responder =>
    createResponder({
      settings,
      allowList: allow,
      repeats: escalation.repeats,
      ...(parts.guests && { isGuest: parts.guests.isGuest }),
      isTrusted: suggestions.isTrusted,
    })
  let { judge, grants } = responder()
  return {
    judge: (finding) => judge(finding),
    grants: (finding, action) => grants(finding, action),
    suggestions,
    get settings() {
      return settings
    },
    adopt(next) {
      settings = next
      ;({ judge, grants } = responder())
    },
    learn(decision, block) {
      escalation.learn(decision)
      suggestions.learn(decision, block)
    },
  }
}
