import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import { addressSays } from '../support/address.ts'
import { until } from '../support/daemon.ts'
import { testWith } from '../support/needs.ts'
import { type RealPage, startRealPage } from '../support/real-page.ts'
import { listen, talkToNobody } from '../support/talkers.ts'

/** Within the page: what moved up or down, how much moved at all (as the browser counts it), and how many rows faded. */
const WATCH = `
  window.seen = { moved: [], sum: 0, faded: 0 }
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries()) {
      if (hadRecentInput) continue
      window.seen.sum += value
      for (const { node, previousRect: before, currentRect: now } of sources)
        if (before.y !== now.y) window.seen.moved.push((node?.parentElement ?? node)?.outerHTML)
    }
  }).observe({ type: 'layout-shift' })
  addEventListener('transitionend', ({ target }) => { if (target.matches('.row.is-gone')) window.seen.faded++ })
`

const test = testWith('root', 'ip', 'nft', 'nmap', 'chromium')

const PORT = '8090'
/** Machines are slow at times. */
const SOON = { timeout: 30_000 }
const LOST = 'This page lost touch with Gatehouse'
/** What the daemon keeps of its events is bounded by rows: these make that many within seconds. */
const FLOWS = 4_000
const CHANGES_PER_SECOND = 4_000

let real: RealPage
let port: number

beforeAll(async () => {
  real = await startRealPage()
  port = await listen(real.wire.server)
})
afterAll(async () => {
  await real?.remove()
})

/** Opens so many connections from outside; answers what ends them. */
const call = async (count: number): Promise<() => void> => {
  const { client, server } = real.wire
  const caller = client.start(
    process.execPath,
    'test/support/many-callers.ts',
    server.ip4,
    String(port),
    String(count),
  )
  if (caller.stdout) await once(caller.stdout, 'data')
  return () => caller.kill()
}
const rows = (page: Page) => page.locator('.row[aria-rowindex]')
const openConnections = async (page: Page): Promise<Page> => {
  const other = await page.context().newPage()
  const search = new URLSearchParams({ view: 'flat', q: `peer:${real.wire.client.ip4}` })
  await other.goto(new URL(`/connections?${search}`, page.url()).href)
  await other.getByRole('treegrid').waitFor()
  await other.getByText('Protecting').waitFor()
  return other
}

describe('the list of live connections', () => {
  const names = (page: Page): Promise<string[]> => rows(page).locator('.cell-name').allTextContents()
  const hasShown = (page: Page, count: number): Promise<void> =>
    page.locator('.tfoot').getByText(`${count} connections`, { exact: true }).waitFor()
  const isAt = (page: Page): Promise<unknown> =>
    page.locator('.table .scroll').evaluate((box) => box.scrollTop)

  test('lets new rows wait while it is read, fades those that end, and moves nothing by itself', async () => {
    const { page: first, wrongs } = await real.signIn()
    const page = await openConnections(first)
    await page.setViewportSize({ width: 1200, height: 520 })
    const hangUps = [await call(3)]
    await hasShown(page, 3)
    await page.evaluate(WATCH)

    await rows(page).nth(1).hover()
    const read = await names(page)
    hangUps.push(await call(37))
    await page.getByRole('button', { name: '37 new' }).waitFor()
    expect(await names(page)).toEqual(read)
    await page.keyboard.press('.')
    await expect.poll(() => names(page), SOON).not.toEqual(read)
    await hasShown(page, 40)
    await page.locator('.pill-new').waitFor({ state: 'detached' })

    await page.locator('.table .scroll').evaluate((box) => {
      box.scrollTop = 140
    })
    await page.mouse.move(0, 0)
    const further = await names(page)
    hangUps.push(await call(2))
    await page.getByRole('button', { name: '2 new' }).waitFor()
    expect([await isAt(page), await names(page)]).toEqual([140, further])

    for (const hangUp of hangUps) hangUp()
    await expect.poll(() => page.evaluate('window.seen.faded'), SOON).toBeGreaterThan(0)
    await page.locator('.table .scroll').evaluate((box) => {
      box.scrollTop = 0
    })
    await page.getByText('No live connection fits this search').waitFor({ timeout: 40_000 })
    const { moved, sum } = await page.evaluate<{ moved: string[]; sum: number }>('window.seen')
    expect(moved).toEqual([])
    // What is left are figures that grow to the left within their cells.
    expect(sum).toBeLessThan(0.02)
    expect(wrongs).toEqual([])
    await first.context().close()
  })
})

describe('the inbox of alerts', () => {
  test('keeps its rows where they are while it is read, and new alerts wait', async () => {
    const scanFrom = (last: number): void => {
      const { client, server } = real.wire
      const from = client.ip4.replace(/\d+$/, String(last))
      client.run('ip', 'addr', 'add', `${from}/24`, 'dev', client.link)
      client.run(
        'nmap',
        ...['-Pn', '-n', '-sS', '-T4', '--max-retries', '1', '-p', '1-60'],
        ...['-S', from, '-e', client.link, server.ip4],
      )
    }
    const { page, wrongs } = await real.signIn()
    await page.goto(new URL('/alerts', page.url()).href)
    scanFrom(101)
    await rows(page).first().waitFor()
    await rows(page).first().hover()
    const ids = (): Promise<string[]> => rows(page).evaluateAll((all) => all.map(({ id }) => id))
    const read = await ids()
    scanFrom(102)
    await page.locator('.pill-new', { hasText: 'new' }).waitFor()
    expect(await ids()).toEqual(read)
    await page.keyboard.press('.')
    await expect.poll(async () => (await ids()).length, SOON).toBeGreaterThan(read.length)
    // On a telephone the alert stands in place of the list, also where a link leads straight to it.
    await page.setViewportSize({ width: 360, height: 780 })
    await page.goto(new URL(`/alerts/${read[0]?.replace('alert-', '')}`, page.url()).href)
    await page.getByRole('heading', { level: 2 }).waitFor()
    expect(wrongs).toEqual([])
    await page.context().close()
  })
})

describe.each([
  ['blocks', 'No longer blocked'],
  ['decisions', 'Taken back'],
])('the list of %s', (screen, over) => {
  test('moves nothing while it is read: new rows wait, and what is over keeps its place', async () => {
    const net = screen === 'blocks' ? '198.51.100' : '192.0.2'
    for (const last of [1, 2]) real.gatehouse('block', `${net}.${last}`)
    const { page, wrongs } = await real.signIn()
    await page.goto(new URL(`/${screen}`, page.url()).href)
    const rowOf = (last: number) => page.getByRole('row').filter({ hasText: `${net}.${last}` })
    const read = (): Promise<string[]> =>
      page.locator('.table .row').evaluateAll((all) => all.map(({ id }) => id))
    await rowOf(2).first().hover()
    const before = await read()
    await page.evaluate(WATCH)
    for (const last of [3, 4]) real.gatehouse('block', `${net}.${last}`)
    real.gatehouse('undo', undoOf(`${net}.2`))
    await rowOf(2).getByText(over).waitFor()
    await page.locator('.pill-new', { hasText: 'new' }).waitFor()
    expect(await read()).toEqual(before)
    expect(await page.evaluate('window.seen.moved')).toEqual([])

    await page.keyboard.press('.')
    await rowOf(4).first().waitFor()
    await page.locator('.pill-new').waitFor({ state: 'detached' })
    expect((await read()).length).toBeGreaterThan(before.length)
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  /** The number of the decision that blocked it. */
  const undoOf = (target: string): string => {
    const { items } = JSON.parse(real.gatehouse('decisions', '-o', 'json')) as {
      items: { id: number; kind: string; target: string }[]
    }
    return String(items.find((one) => one.kind === 'block' && one.target === target)?.id)
  }
})

describe('the search of the past', () => {
  test('suggests what was, with how often it was, and Enter asks at once', async () => {
    const hangUp = await call(2)
    hangUp()
    const { page, wrongs } = await real.signIn()
    const peer = real.wire.client.ip4
    await page.waitForFunction(async (text) => {
      const answer = await fetch('/api/v1/summaries?by=host&since=0')
      return (await answer.text()).includes(text)
    }, peer)
    await page.goto(new URL('/connections?when=past', page.url()).href)
    await page.getByRole('grid').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type(`peer:${peer.slice(0, -1)}`)
    const suggested = page.getByRole('option', { name: new RegExp(`${peer.replaceAll('.', '\\.')}\\b`) })
    await suggested.getByText(/^\d+ in this time$/).waitFor()
    // Others may be suggested before it.
    for (let downs = 0; downs < 9 && (await suggested.getAttribute('aria-selected')) !== 'true'; downs++)
      await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await rows(page).first().waitFor()
    await addressSays(page, 'q', `peer:${peer}`)
    const others = rows(page).filter({ hasNotText: peer })
    await others.first().waitFor({ state: 'detached' })
    expect(wrongs).toEqual([])
    await page.context().close()
  })
})

describe('a stream that is cut', () => {
  afterEach(() => restore())

  /** From now on nothing comes through between browser and page, and nobody is told: as when a cable is pulled. */
  const cut = (): void => {
    const { server } = real.wire
    server.run('nft', 'add', 'table', 'inet', 'cut')
    server.run('nft', 'add', 'chain', 'inet', 'cut', 'in', '{ type filter hook input priority -300; }')
    for (const side of ['sport', 'dport'])
      server.run('nft', 'add', 'rule', 'inet', 'cut', 'in', 'iif', 'lo', 'tcp', side, PORT, 'drop')
  }
  const restore = (): void => {
    const { server } = real.wire
    if (server.run('nft', 'list', 'tables').includes('inet cut'))
      server.run('nft', 'delete', 'table', 'inet', 'cut')
  }
  const webProcess = (): number =>
    Number(/pid=(\d+)/.exec(real.wire.server.run('ss', '-ltnpH', `sport = :${PORT}`))?.[1])
  /** What the page asks the API for from now on, event streams with where they go on. */
  const asked = (page: Page): string[] => {
    const all: string[] = []
    page.on('request', (one) => {
      const path = new URL(one.url()).pathname
      if (!path.startsWith('/api/v1/')) return
      const after = one.headers()['last-event-id']
      all.push(path.slice('/api/v1/'.length) + (path.endsWith('/events') && after ? ' after' : ''))
    })
    return all
  }
  const openDecisions = async (): Promise<Page> => {
    const { page } = await real.signIn()
    await page.goto(new URL('/decisions', page.url()).href)
    await page.getByText('Protecting').waitFor()
    return page
  }
  /** The reader tries at once, unless the page was quicker. */
  const comeBack = async (page: Page): Promise<void> => {
    await page.bringToFront()
    await page
      .getByRole('button', { name: 'Try now' })
      .click({ timeout: 1000 })
      .catch(() => undefined)
    await page.getByText('Protecting').waitFor({ timeout: 40_000 })
  }
  const timesShown = (page: Page, address: string): Promise<number> =>
    page.locator('.row', { hasText: address }).count()

  test('is said in words within seconds, and what happened meanwhile is told once: nothing is read anew', async () => {
    const page = await openDecisions()
    const connections = await openConnections(page)
    // Those of the tests before stay to be seen for a while.
    await connections.getByText('No live connection fits this search').waitFor({ timeout: 40_000 })
    await page.bringToFront()
    const paths = [asked(page), asked(connections)]
    await page.evaluate(WATCH)
    cut()
    real.gatehouse('block', '203.0.113.21')
    real.gatehouse('block', '203.0.113.22')
    const hangUp = await call(3)
    await page.getByText(LOST).waitFor()
    await page.locator('.status-word', { hasText: 'Lost touch' }).waitFor()
    await page.getByRole('alert').getByText('What you see is from').waitFor()
    expect(await timesShown(page, '203.0.113.21')).toBe(0)
    expect(await page.evaluate('window.seen.moved')).toEqual([])

    restore()
    for (const one of [page, connections]) await comeBack(one)
    await connections.bringToFront()
    await expect.poll(() => rows(connections).count(), SOON).toBe(3)
    await page.bringToFront()
    for (const address of ['203.0.113.21', '203.0.113.22'])
      await expect.poll(() => timesShown(page, address), SOON).toBe(1)
    real.gatehouse('unblock', '203.0.113.22')
    await expect.poll(() => timesShown(page, '203.0.113.22'), SOON).toBe(2)
    await page.getByText(LOST).waitFor({ state: 'detached' })
    for (const all of paths) {
      expect(all).toContain('events after')
      expect(all).not.toContain('connections')
    }
    hangUp()
    await page.context().close()
  })

  test('by the death of the web process signs nobody out, and nothing is lost or doubled', async () => {
    const page = await openDecisions()
    const paths = asked(page)
    const died = webProcess()
    const lost = page.locator('.status-word', { hasText: 'Lost touch' }).waitFor()
    process.kill(died, 'SIGKILL')
    real.gatehouse('block', '203.0.113.31')
    await lost
    await page.getByText('Protecting').waitFor({ timeout: 60_000 })
    real.gatehouse('block', '203.0.113.32')
    for (const address of ['203.0.113.31', '203.0.113.32'])
      await expect.poll(() => timesShown(page, address), SOON).toBe(1)
    expect(webProcess()).not.toBe(died)
    expect(paths).toContain('events after')
    await page.context().close()
  }, 120_000)

  test('for longer than the daemon remembers is said too, and everything is read anew', async () => {
    const page = await openDecisions()
    const first = await lastEventId()
    cut()
    real.gatehouse('block', '203.0.113.41')
    const talkers = await talkToNobody(real.wire, FLOWS, CHANGES_PER_SECOND)
    let isForgotten = false
    const look = setInterval(async () => {
      isForgotten ||= (await streamStart(first)).includes('event: reset')
    }, 500)
    await until('the daemon forgets the oldest events', () => isForgotten, 60_000)
    clearInterval(look)
    talkers.kill()
    await page.getByText(LOST).waitFor()
    const paths = asked(page)

    const said = page.getByText('Everything was read anew').waitFor({ timeout: 60_000 })
    restore()
    await comeBack(page)
    await said
    await page.getByText('Protecting').waitFor()
    await expect.poll(() => timesShown(page, '203.0.113.41'), SOON).toBe(1)
    expect(paths).toContain('connections')
    real.gatehouse('unblock', '203.0.113.41')
    await expect.poll(() => timesShown(page, '203.0.113.41'), SOON).toBe(2)
    await page.context().close()
  }, 120_000)

  const lastEventId = async (): Promise<string> => /id: (\d+)/.exec(await streamStart())?.[1] ?? ''

  /** The first that the daemon says to who follows its events from after `id` on. */
  function streamStart(id?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socketPath = join(real.folder, 'api.sock')
      const headers = id === undefined ? {} : { 'last-event-id': id }
      const follower = request({ socketPath, path: '/api/v1/events', headers }, (answer) => {
        answer.once('data', (chunk: Buffer) => {
          resolve(String(chunk))
          follower.destroy()
        })
      })
      follower.once('error', reject)
      follower.end()
    })
  }
})
