import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { testWith } from '../support/needs.ts'
import { type RealPage, startRealPage } from '../support/real-page.ts'

const test = testWith('root', 'ip', 'nft', 'chromium')

const FLOWS = 10_000
const CHANGES_PER_SECOND = 2_000
const SCROLL_SECONDS = 10
/** `GATEHOUSE_SOAK_SECONDS=300` for the whole promise. */
const SOAK_SECONDS = Number(process.env['GATEHOUSE_SOAK_SECONDS'] ?? 20)
const LEAST_FPS = 55
/** A frame that comes late for another reason than the page: other programs want the processor too. */
const SHARE_OF_IDLE = 0.92
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
  let [frames, longest, last, way] = [0, 0, startedAt, 1]
  await new Promise((resolve) => {
    const frame = () => {
      const now = performance.now()
      longest = Math.max(longest, now - last)
      last = now
      frames++
      if (step > 0 && box) {
        const before = box.scrollTop
        box.scrollTop += step * way
        if (box.scrollTop === before) way = -way
      }
      if (now - startedAt < seconds * 1000) requestAnimationFrame(frame)
      else resolve()
    }
    requestAnimationFrame(frame)
  })
  observer.disconnect()
  return { fps: frames / ((performance.now() - startedAt) / 1000), longest, blocked }
}`

describe('ten thousand live connections, two thousand changes a second', () => {
  let real: RealPage

  beforeAll(async () => {
    real = await startRealPage()
    const { server, client } = real.wire
    // Nobody answers: a refusal would end the flow.
    client.run('nft', 'add', 'table', 'ip', 'quiet')
    client.run('nft', 'add', 'chain', 'ip', 'quiet', 'in', '{ type filter hook input priority 0; }')
    client.run('nft', 'add', 'rule', 'ip', 'quiet', 'in', 'meta', 'l4proto', 'udp', 'drop')
    const talkers = server.start(
      process.execPath,
      'test/support/many-talkers.ts',
      client.ip4,
      String(FLOWS),
      String(CHANGES_PER_SECOND),
    )
    await new Promise((resolve) => talkers.stdout?.once('data', resolve))
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
    const scrolled = await measure(page, SCROLL_SECONDS, 120)
    const still = await measure(page, 5, 0)
    const say = ({ fps, longest, blocked }: Timing): string =>
      `${fps.toFixed(1)} fps, longest frame ${longest.toFixed(0)} ms, tasks over 50 ms: ${blocked.join(' ') || 'none'}`
    process.stdout.write(
      `an empty page: ${say(idle)}\nscrolling: ${say(scrolled)}\nstanding still: ${say(still)}\n`,
    )
    expect(scrolled.fps).toBeGreaterThanOrEqual(Math.min(LEAST_FPS, idle.fps * SHARE_OF_IDLE))
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
    const before = await heap()
    await measure(page, SOAK_SECONDS, 0)
    const after = await heap()
    process.stdout.write(`heap ${before.toFixed(1)} MB, after ${SOAK_SECONDS} s ${after.toFixed(1)} MB\n`)
    expect(after).toBeLessThan(before * 1.25 + 5)
    await page.context().close()
  }, 600_000)
})
