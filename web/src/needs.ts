import type { Alert } from '../../src/contract/schemas.ts'

const RANK = { info: 0, low: 1, medium: 2, high: 3, critical: 4 }

/** An alert of the inbox that is at least this severe. */
export const needsYou = (alert: Alert, from: Alert['severity'] = 'medium'): boolean =>
  !alert.archived && RANK[alert.severity] >= RANK[from]

/** The worst first, then the newest. */
export const byUrgency = (a: Alert, b: Alert): number =>
  RANK[b.severity] - RANK[a.severity] || b.lastSeenAt - a.lastSeenAt
