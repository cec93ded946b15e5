import type { RuleEnforcer } from '#enforce/rules.ts'
import type { Ip } from '#model/address.ts'
import type { RuleBook } from '#model/rule.ts'
import type { RuleWorld } from '#policy/rules/rule-reader.ts'
import type { ExplainParts } from './rule-explanation.ts'
import type { RuleFiles } from './rule-files.ts'
import type { FlowPages } from './rule-simulation.ts'
import type { VitalPacket } from './vital-traffic.ts'

/** What was done with the rules: each is a decision. */
export interface RuleAct {
  /** `rules`: in force for good. `trial`, `lockdown` and `pause`: for a time. `rollback`: those before are back. */
  readonly kind: 'rules' | 'trial' | 'rollback' | 'lockdown' | 'pause'
  /** Of the rules that came; of a rollback, of those that went. */
  readonly text: string
  readonly actor: string
  /** Absent: what changed is said in general words. */
  readonly reason?: string | undefined
  readonly seconds?: number | undefined
  /** The decision that this one takes back. */
  readonly undoes?: number | undefined
}

/** Who writes down what was done. */
export interface RuleActs {
  did(act: RuleAct): { readonly decisionId?: number; readonly version?: number }
}

/** What the desk of the rules works with. */
export interface RuleDeskParts extends ExplainParts {
  readonly enforcer: RuleEnforcer
  readonly files: RuleFiles
  readonly world: RuleWorld
  readonly acts: RuleActs
  /** Rules stay: what is open and they deny may be ended. Answers how many connections were. */
  readonly stayed: (book: RuleBook, before: RuleBook) => number
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
