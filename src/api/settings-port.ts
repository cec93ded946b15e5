import type { Outcome } from '#contract/schemas.ts'
import type {
  SettingProblem,
  SettingsChange,
  SettingsOutcome,
  SettingsState,
  Tuning,
  TuningRequest,
} from '#contract/settings.ts'
import type { Decision } from '#model/decision.ts'
import type { Actor } from './actor.ts'
import { Refused } from './refused.ts'

/** Settings that do not fit: all of them, each with what is wrong. */
export class SettingsRefused extends Refused {
  readonly problems: readonly SettingProblem[]

  constructor(message: string, hint: string, problems: readonly SettingProblem[]) {
    super(400, message, hint)
    this.problems = problems
  }
}

/** What the API asks about the configuration. Refusals are thrown as `Refused`. */
export interface SettingsPort {
  state(): SettingsState
  /** Writes the file; what can take effect at once does. */
  change(request: SettingsChange, actor: Actor): Promise<SettingsOutcome>
  /** What another limit of a detector would have meant for its recorded alerts; nothing is changed. */
  tuning(request: TuningRequest): Promise<Tuning>
  /** Takes back one change that a decision tells of. */
  undo(decision: Decision, actor: Actor): Promise<Outcome>
}
