import type { Page } from 'playwright-core'

/** What the main thread of a page did meanwhile, in milliseconds of processor time: other programs do not count. */
export interface MainThread {
  readonly totalMs: number
  /** The longest single task. */
  readonly longestMs: number
}

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/** Traces a page while `work` goes on. */
export async function traced<Result>(page: Page, work: () => Promise<Result>): Promise<[Result, MainThread]> {
  const protocol = await page.context().newCDPSession(page)
  const events: TraceEvent[] = []
  protocol.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  await protocol.send('Tracing.start', { transferMode: 'ReportEvents', categories: 'toplevel' })
  const result = await work()
  const complete = new Promise((resolve) => protocol.once('Tracing.tracingComplete', resolve))
  await protocol.send('Tracing.end')
  await complete
  await protocol.detach()
  return [result, busiestOf(events)]
}

/** Every renderer has a main thread: that of the page under test is the one that did most. */
function busiestOf(events: readonly TraceEvent[]): MainThread {
  const keyOf = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`
  const mains = new Map(
    events
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map((event) => [keyOf(event), { totalMs: 0, longestMs: 0 }]),
  )
  for (const event of events) {
    const main = mains.get(keyOf(event))
    if (!main || event.ph !== 'X' || !event.name.endsWith('RunTask')) continue
    const ms = (event.tdur ?? 0) / 1000
    main.totalMs += ms
    main.longestMs = Math.max(main.longestMs, ms)
  }
  return [...mains.values()].sort((a, b) => b.totalMs - a.totalMs)[0] ?? { totalMs: 0, longestMs: 0 }
}
