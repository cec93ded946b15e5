import type { RuleVersions, RuleVersionText } from '#contract/rule-versions.ts'
import type { RulesCheck } from '#contract/rules.ts'

/** The rules as they were. Refusals are thrown as `Refused`. */
export interface RuleVersionsPort {
  list(): RuleVersions
  read(version: number): RuleVersionText
  /** Makes an old version the draft; nothing is enforced. */
  restore(version: number): RulesCheck
}
