import type { RuleEnforcer } from '#enforce/rules.ts'
import type { DestroyOutcome } from '#kernel/sock-destroy.ts'
import type { Ip } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import type { NameReport } from '#model/name.ts'
import type { SocketKey } from '#model/owner.ts'
import { RuleDomains } from './rule-domains.ts'
import { SlippedFlows, type SlippedFlowsParts } from './slipped-flows.ts'

export interface DomainRulesParts {
  readonly file: string
  readonly now: () => number
  readonly say: (text: string) => void
  readonly isSpared: (address: Ip) => boolean
  readonly enforcer: () => RuleEnforcer | undefined
  readonly explain: SlippedFlowsParts['explain']
  /** Those that are open. */
  readonly connections: () => readonly Connection[]
  /** Opened at the first use. */
  readonly openDestroyer: () => { destroyOne(key: SocketKey): DestroyOutcome }
}

/** Rules by domain at work: what DNS answered goes to the kernel, and who was faster is closed. */
export interface DomainRules {
  readonly memory: RuleDomains
  learn(reports: readonly NameReport[]): void
  /** How bad an address is known to be, from 0 to 100: rules by reputation go by it. */
  reputed(address: Ip, score: number): void
  see(connections: readonly Connection[]): void
}

export function createDomainRules(parts: DomainRulesParts): DomainRules {
  let destroyer: { destroyOne(key: SocketKey): DestroyOutcome } | undefined
  const memory = new RuleDomains({
    file: parts.file,
    now: parts.now,
    isSpared: parts.isSpared,
    enforce: (found) => parts.enforcer()?.named(found) ?? [],
    isAsked: (name) => parts.enforcer()?.asksFor(name) ?? false,
  })
  const slipped = new SlippedFlows({
    explain: parts.explain,
    say: parts.say,
    close(key) {
      destroyer ??= parts.openDestroyer()
      return destroyer.destroyOne(key).closed
    },
  })
  const slip = (fresh: ReturnType<RuleDomains['learn']>): void => {
    if (fresh.length === 0) return
    slipped.learned(fresh, parts.now())
    slipped.see(parts.connections())
  }
  return {
    memory,
    learn: (reports) => slip(memory.learn(reports)),
    reputed: (address, score) => slip(memory.reputed(address, score)),
    see: (connections) => slipped.see(connections),
  }
}
