import type { Explained, ExplainedRequest } from '#contract/explained.ts'
import type {
  ExplainRequest,
  RuleAdd,
  RuleExplanation,
  RuleRemove,
  RuleSimulation,
  RulesApply,
  RulesCheck,
  RulesHold,
  RulesOutcome,
  RulesState,
  SimulateRequest,
} from '#contract/rules.ts'
import type { RuleExchange } from './rule-exchange-port.ts'
import type { RuleLogPort } from './rule-log-port.ts'
import type { RuleVersionsPort } from './rule-versions-port.ts'

/** Draft, check, apply, confirm. `actor` is the name of who acts. Refusals are thrown as `Refused`. */
export interface Rules {
  /** What goes with them; `log` is absent where nothing is written about packets. */
  readonly beside?: {
    readonly log?: RuleLogPort | undefined
    readonly exchange?: RuleExchange
    readonly versions?: RuleVersionsPort
    /** Why something came out as it did. */
    readonly explain?: (request: ExplainedRequest) => Promise<Explained>
  }
  state(): RulesState
  check(text: string): RulesCheck
  /** Keeps the text as the draft; nothing is enforced. */
  draft(text: string): RulesCheck
  /** What a draft would have decided otherwise about recorded flows; nothing is changed. */
  simulate(request: SimulateRequest): Promise<RuleSimulation>
  apply(request: RulesApply, actor: string): Promise<RulesOutcome>
  add(request: RuleAdd, actor: string): Promise<RulesOutcome>
  remove(request: RuleRemove, actor: string): Promise<RulesOutcome>
  /** Everything open, or everything shut, for a time. */
  hold(request: RulesHold, actor: string): Promise<RulesOutcome>
  confirm(actor: string): RulesOutcome
  rollback(actor: string): RulesOutcome
  explain(request: ExplainRequest): RuleExplanation
}
