import type { Alert } from '../../src/contract/schemas.ts'
import { later } from './later.svelte.ts'

export const FOLDERS = ['inbox', 'later', 'done'] as const
export type Folder = (typeof FOLDERS)[number]

const RANK = { info: 0, low: 1, medium: 2, high: 3, critical: 4 }

/** Where an alert is kept: who archives it is done with it, wherever that was. */
export const folderOf = ({ archived, id }: Pick<Alert, 'archived' | 'id'>): Folder =>
  archived ? 'done' : later.has(id) ? 'later' : 'inbox'

/** Whether it waits for an answer: to the block that it suggests. `blockedAs`: what its subject is blocked by. */
export const isAsking = (alert: Alert, blockedAs: string | undefined): boolean =>
  alert.suggestion !== undefined && alert.blame !== 'nobody' && !alert.archived && blockedAs === undefined

/** An alert of the inbox that is at least this severe. */
export const needsYou = (alert: Alert, from: Alert['severity'] = 'medium'): boolean =>
  folderOf(alert) === 'inbox' && RANK[alert.severity] >= RANK[from]

/** The worst first, then the newest. */
export const byUrgency = (a: Alert, b: Alert): number =>
  RANK[b.severity] - RANK[a.severity] || b.lastSeenAt - a.lastSeenAt
