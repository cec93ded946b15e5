import type { Target } from '#model/address.ts'
import type { PartHealth } from '#model/health.ts'
import type { DropCount, EnforcedBlock, Enforcer } from './enforcer.ts'

/** Touches nothing, and never claims that a block is in force: for trials, and where there is no privilege to enforce. */
export function createDryRunEnforcer(why: { readonly reason: string; readonly remedy: string }): Enforcer {
  const health: PartHealth = { part: 'enforcement', state: 'off', ...why }
  return {
    health,
    start: async (): Promise<readonly EnforcedBlock[]> => [],
    block: () => false,
    blockMany: () => false,
    unblock: () => true,
    closeSockets: () => 0,
    counters: () => new Map<Target, DropCount>(),
    brakedRefusals: 0,
    verify: async () => health,
    stop: async () => undefined,
  }
}
