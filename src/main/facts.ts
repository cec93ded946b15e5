import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { examine } from '#core/doctor.ts'
import type { Gate } from '#core/gate.ts'
import { statusOf } from '#core/status.ts'
import type { WebProcess } from '#core/web-process.ts'
import { isIpv6 } from '#model/address.ts'
import type { PartHealth } from '#model/health.ts'
import { createMetrics } from '#report/metrics.ts'
import type { Base } from './base.ts'
import type { Watching } from './watching.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** Node measures by a timer of this length, and its length is in the figure. */
const LOOP_RESOLUTION_MS = 10

/** What status, doctor and metrics are made of, read when somebody asks. */
export function factsOf(base: Base, watching: Watching, web: () => WebProcess | undefined) {
  const { now, startedAt, gate, allow, config } = base
  const { live, alerts, tally } = watching
  const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })
  loop.enable()
  const parts = (): PartHealth[] => [
    watching.capture.health,
    base.enforcer.health,
    ...(base.lists?.health ? [base.lists.health] : []),
    base.rules.health,
    ...base.reports.health,
    ...(base.onCrash ? [base.onCrash.health] : []),
    ...(base.watchdog ? [base.watchdog.health] : []),
    ...(base.shield ? [base.shield.health] : []),
    watching.owners.health,
    base.store.health,
    ...watching.intel.health(),
    watching.atlas.health,
    ...watching.observing.health(),
    ...(config.page.enabled ? [web()?.health ?? PAGE_STARTS] : []),
  ]
  return {
    parts,
    status: () =>
      statusOf({
        version,
        startedAt,
        now: now(),
        parts: parts(),
        interfaces: [...tally.interfaces],
        connections: live.all(),
        openAlerts: alerts.open,
        counts: { ...tally.counts, alerts: alerts.open, blocks: gate.count },
        rates: live.rates(),
      }),
    doctor: async () =>
      examine({
        parts: parts(),
        interfaces: tally.interfaces,
        allow: allow.entries(),
        blocks: gate.blocks(),
        reactions: watching.reactions,
        eventLoopDelayMs: Math.max(0, loop.percentile(99) / 1e6 - LOOP_RESOLUTION_MS),
        memoryMegabytes: Math.round(process.memoryUsage().rss / 1e6),
      }),
    metrics: createMetrics(() => ({
      version,
      ...tally.counts,
      received: tally.interfaces,
      alerts: tally.findings,
      blocks: blocksByFamily(gate),
      droppedPackets: gate.droppedPackets,
      brakedRefusals: base.enforcer.brakedRefusals,
      parts: parts(),
      connections: live.count,
    })),
  }
}

const PAGE_STARTS: PartHealth = { part: 'page', state: 'ok', note: 'starting' }

function blocksByFamily(gate: Gate): { readonly ipv4: number; readonly ipv6: number } {
  const ipv6 = gate.blocks().filter((block) => isIpv6(block.target)).length
  return { ipv4: gate.count - ipv6, ipv6 }
}
