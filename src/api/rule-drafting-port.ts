import type { RuleEditing, RulesRead, RulesStanding, RulesUse } from '#contract/rule-drafting.ts'

/** What the API asks about rules on their way: read, edited, nothing enforced. */
export interface RuleDrafting {
  standing(): RulesStanding
  read(text: string): RulesRead
  /** The text with the edits, kept as the draft. Comments stay where they are. */
  edit(request: RuleEditing): RulesRead
  use(): RulesUse
}
