import type { Tuning } from '#contract/settings.ts'
import { measureOf } from '#detect/measures.ts'
import type { Alert } from '#model/alert.ts'

/** One page of recorded alerts, newest first. */
export interface AlertPages {
  alerts(request: {
    readonly limit: number
    readonly cursor?: string
  }): Promise<{ readonly items: readonly Alert[]; readonly next?: string }>
}

const PAGE = 500
const MOST_ALERTS = 20_000
const MOST_EXAMPLES = 20

type Outcome = Tuning['examples'][number]['outcome']

interface Change {
  /** `detectors.<id>.<name>`. */
  readonly setting: string
  readonly from: number
  readonly to: number
  readonly since: number
}

/** What the change would have meant for the alerts since then, as far as their evidence tells. */
export async function tuningOf(change: Change, store: AlertPages): Promise<Tuning> {
  const { setting, from, to, since } = change
  const { alerts, isPartial } = await alertsSince(since, store)
  const sums: Record<Outcome, number> = { stays: 0, gone: 0, cutShort: 0, unknown: 0 }
  const examples = alerts
    .filter(({ detector }) => detector === setting.split('.')[1])
    .map((alert) => ({ alertId: alert.id, at: alert.at, summary: alert.summary, ...judge(alert, change) }))
  for (const { outcome } of examples) sums[outcome]++
  return {
    ...{ setting, from, to, since, alerts: examples.length },
    ...sums,
    isLooser: to < from,
    isPartial,
    examples: examples.sort((a, b) => RANK[a.outcome] - RANK[b.outcome]).slice(0, MOST_EXAMPLES),
  }
}

async function alertsSince(since: number, store: AlertPages) {
  const alerts: Alert[] = []
  let cursor: string | undefined
  let isOver = false
  do {
    const page = await store.alerts({ limit: PAGE, ...(cursor !== undefined && { cursor }) })
    alerts.push(...page.items)
    isOver = page.next === undefined || page.items.some(({ at }) => at < since)
    cursor = page.next
  } while (!isOver && alerts.length < MOST_ALERTS)
  return { alerts: alerts.filter(({ at }) => at >= since), isPartial: !isOver }
}

/** What a reader wants to see first. */
const RANK: Readonly<Record<Outcome, number>> = { gone: 0, cutShort: 1, unknown: 2, stays: 3 }

/** A limit is spoken of as `detectors.port-scan.refusedPorts = 6`. */
function judge(alert: Alert, { setting, from, to }: Change): { outcome: Outcome; measured?: number } {
  const [, detector = '', name = ''] = setting.split('.')
  const isAbout = alert.because.startsWith(`${setting} = `)
  const measured = isAbout ? measureOf(detector, name, alert.evidence) : undefined
  if (!isAbout) return { outcome: isLimit(detector, name, alert) ? 'stays' : 'unknown' }
  if (measured === undefined) return { outcome: 'unknown' }
  if (to <= from || measured >= to) return { outcome: 'stays', measured }
  return { outcome: wasTurnedAway(alert) ? 'cutShort' : 'gone', measured }
}

/** Another limit made it speak, which does not change; what is no limit (a window, a chance) may bear on any alert. */
const isLimit = (detector: string, name: string, { evidence }: Alert): boolean =>
  measureOf(detector, name, evidence) !== undefined

const wasTurnedAway = ({ response }: Alert): boolean => /^(blocked|limited)/i.test(response)
