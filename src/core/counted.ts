import type { SummaryList } from '#contract/views.ts'
import type { ProgramBytesReport } from '#model/program-bytes.ts'

/**
 * Puts beside the flows of programs what the kernel counted of each, whether packets were captured or not. Programs that have
 * nothing open now are added: what they carried was carried.
 */
export function withCounted(
  list: SummaryList,
  { source, seconds, programs }: ProgramBytesReport,
  { now, limit }: { readonly now: number; readonly limit: number },
): SummaryList {
  const counts = new Map(
    programs.map(({ program, receivedBytes: bytesIn, sentBytes: bytesOut }) => [
      program,
      { bytesIn, bytesOut },
    ]),
  )
  const items = list.items.map((item) => {
    const counted = counts.get(item.key)
    counts.delete(item.key)
    return counted ? { ...item, counted } : item
  })
  const silent = [...counts].map(([key, counted]) => ({
    ...{ key, flows: 0, bytesIn: 0, bytesOut: 0, counted },
    ...{ firstAt: now - seconds * 1000, lastAt: now },
  }))
  const isAll = list.total === list.items.length
  return {
    ...list,
    items: isAll ? [...items, ...silent].slice(0, limit) : items,
    total: isAll ? items.length + silent.length : list.total,
    counted: { source, seconds },
  }
}
