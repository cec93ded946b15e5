import type { Alert, Suggestion } from '#model/alert.ts'
import type { Finding } from '#model/finding.ts'

/** The same story within this time is the same alert. */
const FOLD_WITHIN_MS = 3_600_000
const CAPACITY = 2_000

/** What may change in an alert. `suggestion: undefined`: there is none any more. */
export type AlertChange = Partial<Pick<Alert, 'response' | 'archived'>> & {
  readonly suggestion?: Suggestion | undefined
}

/** Folds findings into alerts: equal keys within an hour are one alert that counts. */
export interface AlertBook {
  fold(finding: Finding): { readonly alert: Alert; readonly isNew: boolean }
  /** Answers the alert with `change` applied; undefined when it is not among the recent ones. */
  change(id: number, change: AlertChange): Alert | undefined
  /** The recent ones of a detector, oldest first. */
  ofDetector(id: string): readonly Alert[]
  /** Recent alerts that nobody archived. */
  readonly open: number
}

/** `remembered` are the recent alerts of an earlier run, any order; ids go on after `lastId`. */
export function createAlertBook(remembered: readonly Alert[], lastId: number): AlertBook {
  const byId = new Map<number, Alert>(
    [...remembered].sort((a, b) => a.id - b.id).map((alert) => [alert.id, alert]),
  )
  const idByKey = new Map<string, number>([...byId.values()].map((alert) => [alert.key, alert.id]))
  let nextId = lastId + 1

  const keep = (alert: Alert): Alert => {
    byId.set(alert.id, alert)
    idByKey.set(alert.key, alert.id)
    if (byId.size > CAPACITY) forgetOldest()
    return alert
  }

  /** Whoever forges senders can fill the book: what may be forged, and waits for nobody, makes room first. */
  function forgetOldest(): void {
    let oldest = byId.values().next().value
    for (const alert of byId.values()) {
      if (!alert.spoofable || alert.suggestion) continue
      oldest = alert
      break
    }
    if (!oldest) return
    byId.delete(oldest.id)
    if (idByKey.get(oldest.key) === oldest.id) idByKey.delete(oldest.key)
  }

  return {
    fold(finding) {
      const known = byId.get(idByKey.get(finding.key) ?? -1)
      if (known && finding.at - known.lastSeenAt < FOLD_WITHIN_MS) {
        const again = { ...known, ...finding, at: known.at, lastSeenAt: finding.at, times: known.times + 1 }
        return { alert: keep(again), isNew: false }
      }
      const alert = {
        ...finding,
        id: nextId++,
        times: 1,
        lastSeenAt: finding.at,
        response: '',
        archived: false,
      }
      return { alert: keep(alert), isNew: true }
    },
    change(id, change) {
      const known = byId.get(id)
      if (!known) return undefined
      const { suggestion, ...others } = { ...known, ...change }
      return keep(suggestion ? { ...others, suggestion } : others)
    },
    ofDetector: (id) => [...byId.values()].filter(({ detector }) => detector === id),
    get open() {
      let count = 0
      for (const alert of byId.values()) if (!alert.archived) count++
      return count
    },
  }
}
