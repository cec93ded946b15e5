import type { Connection } from '#model/flow.ts'
import { bytesOf, type Summary, type SummaryKind, summaryKeyOf } from '#model/summary.ts'

/** Sums up connections by program, host …: most bytes first. */
export function summarize(connections: Iterable<Connection>, kind: SummaryKind): Summary[] {
  const sums = new Map<string, { -readonly [Field in keyof Summary]: Summary[Field] }>()
  for (const connection of connections) {
    const key = summaryKeyOf(kind, connection)
    const { openedAt, seenAt } = connection
    const { bytesIn, bytesOut } = bytesOf(connection)
    const sum = sums.get(key)
    if (!sum) {
      sums.set(key, { key, flows: 1, bytesIn, bytesOut, firstAt: openedAt, lastAt: seenAt })
      continue
    }
    sum.flows++
    sum.bytesIn += bytesIn
    sum.bytesOut += bytesOut
    sum.firstAt = Math.min(sum.firstAt, openedAt)
    sum.lastAt = Math.max(sum.lastAt, seenAt)
  }
  return [...sums.values()].sort(
    (a, b) =>
      b.bytesIn + b.bytesOut - a.bytesIn - a.bytesOut || b.flows - a.flows || (a.key < b.key ? -1 : 1),
  )
}
