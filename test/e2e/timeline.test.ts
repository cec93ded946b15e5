import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { addressSays } from '../support/address.ts'
import { testWith } from '../support/needs.ts'
import { blockByApi, goTo, openWorld, shoot } from '../support/page-world.ts'
import type { RealPage } from '../support/real-page.ts'
import { ABROAD, listen, talk } from '../support/talkers.ts'

const test = testWith('root', 'ip', 'nft', 'chromium')
const BLOCKED = '198.51.100.7'

describe('the timeline, and what a row offers', () => {
  let real: RealPage

  beforeAll(async () => {
    ;({ real } = await openWorld({
      talks: ({ client }) => [
        { program: 'larkmail', to: [...Object.values(ABROAD), client.ip4], bytesEach: 6_000 },
      ],
    }))
  })

  afterAll(async () => {
    await real?.remove()
  })

  const larkRow = (page: Page) => page.locator('.row', { hasText: 'larkmail' }).first()

  test('shows what happened in its lanes, and a mark on it drives every list', async () => {
    const { page, wrongs } = await real.signIn()
    await blockByApi(page, BLOCKED)
    await page.keyboard.press('g')
    await page.keyboard.press('t')
    const firstTick = page.locator('.is-first').first()
    const before = await firstTick.textContent()
    await page.getByRole('button', { name: '1 h', exact: true }).click()
    await expect.poll(() => firstTick.textContent()).not.toBe(before)
    await page.getByText('larkmail').first().waitFor()
    await page.getByText(BLOCKED).first().waitFor()
    for (const lane of ['Programs started', 'Names', 'Connections', 'Alerts', 'Decisions', 'Kernel']) {
      await page.getByRole('img', { name: new RegExp(`^${lane}`) }).waitFor()
    }
    const drawn = async () => (await page.locator('.lane--decisions path').getAttribute('d'))?.length
    await expect.poll(drawn).toBeGreaterThan(5)

    // The last half of the hour, by the mouse.
    const box = await page.getByRole('group', { name: /^Mark a part/ }).boundingBox()
    if (!box) throw new Error('the timeline has no size')
    await page.mouse.move(box.x + box.width * 0.5, box.y + 60)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width - 2, box.y + 60, { steps: 4 })
    await page.mouse.up()
    // The browser tells of a new address a moment after.
    await page.waitForURL((url) => url.searchParams.has('from'))
    const marked = new URL(page.url()).searchParams
    expect(Date.parse(marked.get('to') ?? '') - Date.parse(marked.get('from') ?? '')).toBe(30 * 60_000)
    await shoot(page, 'timeline-marked')

    // Every list keeps to it: what is in it shows, and the bar says so.
    for (const [screen, shows] of [
      ['Programs', 'larkmail'],
      ['Hosts', ABROAD.JP],
      ['Decisions', BLOCKED],
      ['Blocks', BLOCKED],
      ['Connections', 'larkmail'],
    ] as const) {
      await page.getByRole('navigation').getByRole('link', { name: screen }).click()
      await page.getByText('as marked on the timeline').waitFor()
      await page.locator('main').getByText(shows).first().waitFor()
    }
    const early = new URLSearchParams({ from: '2026-01-01T00:00:00Z', to: '2026-01-01T01:00:00Z' })
    for (const screen of ['programs', 'decisions', 'blocks', 'connections']) {
      await goTo(page, `/${screen}?${early}`)
      await page.locator('main .empty').waitFor()
    }
    await page.getByRole('button', { name: 'Show everything' }).click()
    await larkRow(page).waitFor()
    await addressSays(page, 'from', null)
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('the mark moves by arrow keys, Escape takes it away, and a table tells the same', async () => {
    const { page } = await real.signIn()
    await goTo(page, '/timeline?span=hour')
    const start = page.getByRole('slider', { name: 'Start of the marked part' })
    await start.focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    const startOf = (): number => Date.parse(new URL(page.url()).searchParams.get('from') ?? '')
    const length = (): number => Date.parse(new URL(page.url()).searchParams.get('to') ?? '') - startOf()
    await expect.poll(length).toBe(3_600_000 - 2 * 30_000)
    const from = startOf()
    await page.getByRole('slider', { name: 'The marked part', exact: true }).focus()
    await page.keyboard.press('ArrowLeft')
    await expect.poll(startOf).toBe(from - 30_000)
    await page.keyboard.press('Escape')
    await addressSays(page, 'from', null)
    await page.keyboard.press('Shift+T')
    await page.getByRole('columnheader', { name: 'Connections' }).waitFor()
    await page.locator('tbody tr').first().waitFor()
    await page.context().close()
  })

  test('a row has two actions in it and a menu with each act as a command line that works', async () => {
    const { page, wrongs } = await real.signIn()
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await goTo(page, '/connections?view=host')
    const row = page.locator('.row', { hasText: real.wire.client.ip4 }).first()
    await row.hover()
    expect(await row.locator('.row-actions > *').count()).toBe(2)
    await row.getByRole('button', { name: 'More for this row' }).click()
    const menu = page.getByRole('menu', { name: 'More for this row' })
    await shoot(page, 'connections-row-menu')
    await menu.getByRole('menuitem', { name: 'Block: copy the command line' }).click()
    const line = await page.evaluate('navigator.clipboard.readText()')
    expect(line).toBe(`gatehouse block ${real.wire.client.ip4}`)
    real.gatehouse(...String(line).split(' ').slice(1))
    await row.getByText('Blocked').waitFor()
    expect(real.kernelTable()).toContain(real.wire.client.ip4)
    real.gatehouse('unblock', real.wire.client.ip4)
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('the inspector tells the way to the verdict with links, and what would change it', async () => {
    const { page, wrongs } = await real.signIn()
    await goTo(page, '/connections?view=flat')
    const row = page.locator('.row', { hasText: ABROAD.US }).first()
    await row.click()
    await page.keyboard.press('Enter')
    const inspector = page.getByLabel('Inspector')
    await inspector.getByText('Way to the verdict').waitFor()
    await inspector.getByText('What would change it').waitFor()
    expect(await inspector.getByRole('link', { name: 'Default of the rules' }).getAttribute('href')).toBe(
      '/rules',
    )
    await shoot(page, 'connections-inspector')
    await blockByApi(page, ABROAD.US)
    await inspector.getByText(`gatehouse unblock ${ABROAD.US}`).first().waitFor()
    await inspector.getByText('not reached').waitFor()
    await shoot(page, 'connections-inspector-blocked')
    real.gatehouse('unblock', ABROAD.US)
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('acts stay on a stack that takes any of them back, and views are saved under a name', async () => {
    // Each its own: a talker ends when one of its connections is blocked.
    const port = await listen(real.wire.client)
    for (const [program, address] of [
      ['tidesync', ABROAD.BR],
      ['podwright', ABROAD.AU],
    ] as const) {
      talk(real.wire.server, real.folder, port, { program, to: [address], bytesEach: 500 })
    }
    const { page } = await real.signIn()
    await goTo(page, '/connections?view=host')
    for (const address of [ABROAD.BR, ABROAD.AU]) {
      const row = page.locator('.row', { hasText: address }).first()
      await row.hover()
      await row.getByRole('button', { name: 'Block' }).click()
      await row.getByText('Blocked').waitFor()
    }
    await page.getByRole('button', { name: '2 acts of yours can be undone' }).click()
    await page.getByRole('menuitem', { name: new RegExp(ABROAD.BR) }).click()
    await expect.poll(() => real.kernelTable().includes(ABROAD.BR)).toBe(false)
    expect(real.kernelTable()).toContain(ABROAD.AU)
    await page.keyboard.press('u')
    await expect.poll(() => real.kernelTable().includes(ABROAD.AU)).toBe(false)

    await goTo(page, '/connections?view=flat&q=app%3Alarkmail')
    await page.getByRole('button', { name: 'Saved views' }).click()
    await page.getByRole('menuitem', { name: 'Save this view' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('Lark alone')
    await page.keyboard.press('Enter')
    await goTo(page, '/connections')
    await page.getByRole('button', { name: 'Saved views' }).click()
    await page.getByRole('menuitemradio', { name: 'Lark alone' }).click()
    await addressSays(page, 'q', 'app:larkmail')
    await addressSays(page, 'view', 'flat')
    await page.context().close()
  })
})
