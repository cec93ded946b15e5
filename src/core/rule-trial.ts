import type { PendingRules, RulesCheck, RulesHold } from '#contract/rules.ts'
import { type Guard, startGuard } from '#enforce/start-guard.ts'
import type { RuleBook } from '#model/rule.ts'
import type { RuleProgram } from '#model/rule-program.ts'
import { EMPTY_BOOK } from '#policy/rules/parse.ts'
import type { RuleAct, RuleDeskParts } from './rule-desk-parts.ts'
import { programOf } from './rule-reading.ts'

/** Rules as they are in force: their text, and what it means. */
export interface InForce {
  readonly text: string
  readonly book: RuleBook
  readonly program: RuleProgram | undefined
}

export const NO_RULES: InForce = { text: '', book: EMPTY_BOOK, program: undefined }

/** Rules that are in force and go back by themselves. */
export interface Waiting {
  readonly shown: PendingRules
  readonly before: InForce
  readonly guard: Guard
  readonly timer: NodeJS.Timeout
  readonly reason: string | undefined
}

/** Who changes them and why. */
export type By = Pick<RuleAct, 'actor' | 'reason' | 'undoes'>

/** How rules come in force that go back by themselves. */
export interface ForNow extends By {
  readonly seconds: number
  readonly checked: RulesCheck
  readonly hold?: RulesHold['kind']
}

/** Starts the process outside that goes back when this one is gone. Throws when it does not come up. */
export function secureWayBack(
  shown: PendingRules,
  { before, book }: { readonly before: InForce; readonly book: RuleBook },
  { files, enforcer }: Pick<RuleDeskParts, 'files' | 'enforcer'>,
): Promise<Guard> {
  files.keepPending(shown)
  const { id, since, until } = shown
  const wayBack = enforcer.wayBack(before.program, programOf(book, since))
  const transaction = Buffer.from(wayBack).toString('base64')
  const { pendingFile, rolledBackFile } = files
  return startGuard({ id, seconds: (until - since) / 1000, pendingFile, rolledBackFile, transaction })
}
