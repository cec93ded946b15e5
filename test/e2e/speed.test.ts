import { availableParallelism, loadavg } from 'node:os'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type MainThread, traced } from '../support/main-thread.ts'
import { testWith } from '../support/needs.ts'
import { type RealPage, startRealPage } from '../support/real-page.ts'
import { talkToNobody } from '../support/talkers.ts'

const test = testWith('root', 'ip', 'nft', 'chromium')

const FLOWS = 10_000
const CHANGES_PER_SECOND = 2_000
const SCROLL_SECONDS = 10
/** `GATEHOUSE_SOAK_SECONDS=300` for the whole promise. */
const SOAK_SECONDS = Number(process.env['GATEHOUSE_SOAK_SECONDS'] ?? 20)
/** How often the heap is looked at, each time after all garbage is gone. */
const SAMPLES = Math.min(30, Math.max(4, Math.round(SOAK_SECONDS / 10)))
const LEAST_FPS = 55
const LONGEST_TASK_MS = 50
const FRAME_MS = 1000 / 60
/** Pixels a frame: sixty rows a second, as fast as a hand turns a wheel. */
const STEP = 28
const MEGABYTE = 1e6

interface Timing {
  readonly fps: number
  readonly longest: number
  readonly blocked: readonly number[]
}

/** Frames for some seconds, while each frame scrolls by `step` pixels; 0 stands still. Runs within the page. */
const MEASURE = `async ({ seconds, step }) => {
  const box = document.querySelector('.table .scroll')
  const blocked = []
  const observer = new PerformanceObserver((list) => { for (const one of list.getEntries()) blocked.push(Math.round(one.duration)) })
  observer.observe({ type: 'longtask' })
  const startedAt = performance.now()
  const most = box ? box.scrollHeight - box.clientHeight : 0
  let at = box ? box.scrollTop : 0
  let [frames, longest, last, way] = [0, 0, startedAt, 1]
  await new Promise((resolve) => {
    const frame = () => {
      const now = performance.now()
      longest = Math.max(longest, now - last)
      last = now
      frames++
      if (step > 0 && box) {
        // Reading scrollTop here would make the browser lay out twice.
        at += step * way
        if (at < 0 || at > most) way = -way
        box.scrollTop = at
      }
      if (now - startedAt < seconds * 1000) requestAnimationFrame(frame)
      else resolve()
    }
    requestAnimationFrame(frame)
  })
  observer.disconnect()
  return { fps: frames / ((performance.now() - startedAt) / 1000), longest, blocked }
}`

/** By how much values grow from one to the next: the line that fits them best. */
function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const spread = values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0)
  return values.reduce((sum, value, at) => sum + (at - middle) * (value - mean), 0) / spread
}

const worked = ({ longestMs }: MainThread, perFrameMs: number): string =>
  `its main thread works ${perFrameMs.toFixed(1)} ms a frame, ${longestMs.toFixed(1)} ms at a time at most (processor time)`

describe('ten thousand live connections, two thousand changes a second', () => {
  let real: RealPage

  beforeAll(async () => {
    real = await startRealPage()
    await talkToNobody(real.wire, FLOWS, CHANGES_PER_SECOND)
  })

  afterAll(async () => {
    await real?.remove()
  })

  const measure = (page: Page, seconds: number, step: number): Promise<Timing> =>
    page.evaluate(`(${MEASURE})(${JSON.stringify({ seconds, step })})`)
  const shownFlows = async (page: Page): Promise<number> =>
    Number((await page.locator('.tfoot').textContent())?.replaceAll(/[^\d]/g, '').slice(0, 5) ?? 0)

  test('the list scrolls at 55 frames a second and is never busy for long', async () => {
    const { page, wrongs } = await real.signIn()
    const idlePage = await (await real.browser.newContext()).newPage()
    await page.goto(new URL('/connections?view=flat', page.url()).href)
    await page.locator('.row[aria-rowindex]').first().waitFor()
    await expect.poll(() => shownFlows(page), { timeout: 30_000 }).toBeGreaterThan(9_000)
    await idlePage.bringToFront()
    const idle = await measure(idlePage, 3, 0)
    await page.bringToFront()
    const [scrolled, work] = await traced(page, () => measure(page, SCROLL_SECONDS, STEP))
    const perFrameMs = work.totalMs / (scrolled.fps * SCROLL_SECONDS)
    const still = await measure(page, 5, 0)
    const say = ({ fps, longest, blocked }: Timing): string =>
      `${fps.toFixed(1)} fps, longest frame ${longest.toFixed(0)} ms, tasks over 50 ms: ${blocked.join(' ') || 'none'}`
    process.stdout.write(
      `an empty page: ${say(idle)}\nscrolling: ${say(scrolled)}; ${worked(work, perFrameMs)}\nstanding still: ${say(still)}\n`,
    )
    // Processor time is the page's own, however busy the machine is with other things.
    expect(work.longestMs).toBeLessThan(LONGEST_TASK_MS)
    expect(perFrameMs).toBeLessThan(FRAME_MS)
    const isQuiet = (loadavg()[0] ?? 0) < availableParallelism() * 2
    if (isQuiet) expect(scrolled.fps).toBeGreaterThanOrEqual(LEAST_FPS)
    expect(wrongs).toEqual([])
    await page.context().close()
    await idlePage.context().close()
  }, 180_000)

  test('what the page keeps does not grow with time', async () => {
    const { page } = await real.signIn()
    await page.goto(new URL('/connections', page.url()).href)
    await page.locator('.row[aria-rowindex]').first().waitFor()
    await expect.poll(() => shownFlows(page), { timeout: 30_000 }).toBeGreaterThan(9_000)
    const protocol = await page.context().newCDPSession(page)
    const heap = async (): Promise<number> => {
      await protocol.send('HeapProfiler.collectGarbage')
      return (await protocol.send('Runtime.getHeapUsage')).usedSize / MEGABYTE
    }
    // The first seconds fill what is bounded: the history of rates, the places of rows.
    await measure(page, 5, 0)
    const heaps = [await heap()]
    while (heaps.length <= SAMPLES) {
      await measure(page, SOAK_SECONDS / SAMPLES, 0)
      heaps.push(await heap())
    }
    const [before = 0, after = 0] = [heaps[0], heaps.at(-1)]
    const perMinute = slopeOf(heaps) / (SOAK_SECONDS / SAMPLES / 60)
    process.stdout.write(
      `heap ${before.toFixed(1)} MB, after ${SOAK_SECONDS} s ${after.toFixed(1)} MB; trend ${perMinute.toFixed(2)} MB a minute over ${heaps.map((one) => one.toFixed(1)).join(' ')}\n`,
    )
    expect(after).toBeLessThan(before * 1.25 + 5)
    await page.context().close()
  }, 600_000)
})
