import type { Summary, SummaryList } from '#contract/views.ts'
import type { CountedPeriod, ProgramBytesReport, ProgramCounts } from '#model/program-bytes.ts'

type Counts = ReadonlyMap<string, { readonly bytesIn: number; readonly bytesOut: number }>

/**
 * Puts beside the flows of programs what the kernel counted of each, whether packets were captured or not. Programs that have
 * nothing open now are added: what they carried was carried.
 */
export function withCounted(
  list: SummaryList,
  { source, seconds, programs }: ProgramBytesReport,
  { now, limit }: { readonly now: number; readonly limit: number },
): SummaryList {
  const { items, silent } = beside(list.items, countsOf(programs), {
    firstAt: now - seconds * 1000,
    lastAt: now,
  })
  const isAll = list.total === list.items.length
  return {
    ...list,
    items: isAll ? [...items, ...silent].slice(0, limit) : items,
    total: isAll ? items.length + silent.length : list.total,
    counted: { source, seconds },
  }
}

/** The same of a period, most bytes first. Where nothing was counted the list stays as it is. */
export function withCountedPeriod(list: SummaryList, period: CountedPeriod, limit: number): SummaryList {
  const [source, ...otherSources] = period.sources
  if (source === undefined) return { ...list, items: list.items.slice(0, limit) }
  const { since, until, seconds, programs } = period
  const { items, silent } = beside(list.items, countsOf(programs), { firstAt: since, lastAt: until })
  const all = [...items, ...silent].sort((a, b) => bytesOf(b) - bytesOf(a) || (a.key < b.key ? -1 : 1))
  return {
    ...list,
    items: all.slice(0, limit),
    total: Math.max(all.length, list.total, period.total),
    counted: { source, ...(otherSources.length > 0 && { otherSources }), seconds, since },
  }
}

/** As the API tells of a period. Undefined where nothing was counted. */
export function reportOf({ sources, seconds, programs }: CountedPeriod): ProgramBytesReport | undefined {
  const [source, ...otherSources] = sources
  if (source === undefined) return undefined
  const rate = (bytes: number): number => (seconds > 0 ? bytes / seconds : 0)
  return {
    source,
    ...(otherSources.length > 0 && { otherSources }),
    seconds,
    programs: programs.map((one) => ({
      ...one,
      sendRate: rate(one.sentBytes),
      receiveRate: rate(one.receivedBytes),
    })),
  }
}

/** Of several paths of one program together. */
export const countedTotal = (programs: readonly ProgramCounts[]): { bytesIn: number; bytesOut: number } => ({
  bytesIn: programs.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0),
  bytesOut: programs.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
})

const countsOf = (programs: readonly ProgramCounts[]): Counts =>
  new Map(
    programs.map(({ program, receivedBytes: bytesIn, sentBytes: bytesOut }) => [
      program,
      { bytesIn, bytesOut },
    ]),
  )

/** The rows with their counts, and rows for what has none. */
function beside(
  items: readonly Summary[],
  counts: Counts,
  times: Pick<Summary, 'firstAt' | 'lastAt'>,
): { readonly items: Summary[]; readonly silent: Summary[] } {
  const keys = new Set(items.map(({ key }) => key))
  return {
    items: items.map((item) => {
      const counted = counts.get(item.key)
      return counted ? { ...item, counted } : item
    }),
    silent: [...counts]
      .filter(([key]) => !keys.has(key))
      .map(([key, counted]) => ({ ...{ key, flows: 0, bytesIn: 0, bytesOut: 0, counted }, ...times })),
  }
}

/** What was captured, or counted, whichever is more. */
const bytesOf = ({ bytesIn, bytesOut, counted }: Summary): number =>
  Math.max(bytesIn + bytesOut, counted ? counted.bytesIn + counted.bytesOut : 0)
