import type { RuleEnforcer } from '#enforce/rules.ts'
import type { Ip } from '#model/address.ts'
import type { RuleWorld } from '#policy/rules/rule-reader.ts'
import type { ExplainParts } from './rule-explanation.ts'
import type { RuleFiles } from './rule-files.ts'
import type { FlowPages } from './rule-simulation.ts'
import type { VitalPacket } from './vital-traffic.ts'

/** What the desk of the rules works with. */
export interface RuleDeskParts extends ExplainParts {
  readonly enforcer: RuleEnforcer
  readonly files: RuleFiles
  readonly world: RuleWorld
  /** Who is logged in from elsewhere. */
  readonly sessions: () => readonly Ip[]
  /** What must not be cut, as it is now. */
  readonly vital: () => readonly VitalPacket[]
  /** Recorded flows. */
  readonly store: FlowPages
  readonly now: () => number
  readonly say: (text: string) => void
  /** A changed file is applied at once, where it is good and cuts nothing; else it waits as a draft. */
  readonly appliesFileChanges: boolean
}
