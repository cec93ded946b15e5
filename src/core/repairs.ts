import type { Target } from '#model/address.ts'
import type { Gate } from './gate.ts'

/** Whoever fights over a table does so many times a second. */
const QUIET_MS = 60_000

/** Says and records that another program changed a table of ours and it was put back; each table once a minute. */
export function createRepairBook(parts: {
  readonly note: Gate['note']
  readonly say: (text: string) => void
  readonly now: () => number
}): (what: string) => void {
  const tables = new Map<string, { readonly saidAt: number; readonly unsaid: number }>()
  return (what) => {
    const at = parts.now()
    const table = /\binet [\w-]+/.exec(what)?.[0] ?? ''
    const before = tables.get(table)
    if (before && Math.abs(at - before.saidAt) < QUIET_MS) {
      tables.set(table, { ...before, unsaid: before.unsaid + 1 })
      return
    }
    tables.set(table, { saidAt: at, unsaid: 0 })
    const more = before?.unsaid ? ` (${before.unsaid} times more since the last word of it)` : ''
    parts.say(`${what}${more}`)
    parts.note({
      kind: 'repair',
      target: `table ${table}` as Target,
      actor: 'gatehouse',
      reason: `${what}${more}`,
    })
  }
}
