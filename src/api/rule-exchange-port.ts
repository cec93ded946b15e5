import type { RulesExport, RulesImport, RulesImported } from '#contract/rule-exchange.ts'

/** Rules from and for elsewhere. */
export interface RuleExchange {
  /** Keeps what another firewall's text comes to as the draft; nothing is enforced. */
  import(request: RulesImport): RulesImported
  /** The rules in force. */
  export(format: RulesExport['format']): RulesExport
}
