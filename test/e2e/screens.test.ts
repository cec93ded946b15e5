import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { addressSays } from '../support/address.ts'
import { faultsInThemes } from '../support/axe.ts'
import { testWith } from '../support/needs.ts'
import { blockByApi, goTo, openWorld, type PageWorld, shoot } from '../support/page-world.ts'
import type { RealPage } from '../support/real-page.ts'
import { ABROAD, listen } from '../support/talkers.ts'

const test = testWith('root', 'ip', 'nft', 'chromium')

const THEMES = ['dark', 'light'] as const

/** Those of policy have a test of their own, in each theme: policy-screens.test.ts. */
const SCREENS: Readonly<Record<string, string>> = {
  now: '/',
  connections: '/connections',
  'connections-host': '/connections?view=host',
  'connections-past': '/connections?when=past',
  'connections-wrong': '/connections?q=app%3Alark%20prt%3A22',
  programs: '/programs',
  'programs-day': '/programs?period=day',
  hosts: '/hosts',
  map: '/map',
  graph: '/graph',
  'graph-table': '/graph?as=table',
  timeline: '/timeline?span=hour',
  'timeline-table': '/timeline?span=hour&as=table',
  alerts: '/alerts',
  'rules-new': '/rules?new=connection&direction=outbound&to=203.0.113.7&protocol=tcp&port=6667',
  blocks: '/blocks',
  'lists-one': '/lists/feodo?q=203.0.113.9',
  decisions: '/decisions',
  'settings-found': '/settings?q=block',
  accounts: '/accounts',
  doctor: '/doctor',
}

describe('the screens of the page', () => {
  let real: RealPage
  let talkers: PageWorld['talkers']

  beforeAll(async () => {
    const all = Object.values(ABROAD)
    const world = await openWorld({
      talks: ({ client }) => [
        { program: 'larkmail', to: all, bytesEach: 60_000 },
        { program: 'tidesync', to: [ABROAD.NL, ABROAD.JP, client.ip4], bytesEach: 9_000 },
        { program: 'podwright', to: [ABROAD.US, client.ip4], bytesEach: 700 },
        { program: 'keygated', to: [client.ip4], bytesEach: 40 },
      ],
    })
    ;({ real, talkers } = world)
    const { server, client } = real.wire
    const inbound = await listen(server)
    client.start(process.execPath, 'test/support/tcp-caller.ts', server.ip4, String(inbound))
    for (let turn = 0; turn < 3; turn++) {
      client.run(process.execPath, 'test/support/tcp-caller.ts', server.ip4, String(inbound), 'once')
    }
  })

  afterAll(async () => {
    await real?.remove()
  })

  const programRow = (page: Page, name: string) => page.locator('.row', { hasText: name }).first()

  test('every screen is free of serious faults of accessibility, dark and light', async () => {
    const { page, wrongs } = await real.signIn()
    await blockByApi(page, '198.51.100.0/24', 'A test')
    const faults: string[] = []
    for (const [name, path] of Object.entries(SCREENS)) {
      await goTo(page, path)
      const found = await faultsInThemes(page, THEMES, (theme) => shoot(page, `${name}-${theme}`))
      faults.push(...found.map((fault) => `${name} ${fault}`))
    }
    expect(faults).toEqual([])
    // The API says 400 to none of these, and a missing program is not asked for.
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('a program shows with its file, its hosts and its traffic, and all its connections close at once', async () => {
    const { page, wrongs } = await real.signIn()
    await page.keyboard.press('g')
    await page.keyboard.press('p')
    const lark = talkers['larkmail']
    await programRow(page, 'larkmail').click()
    const inspector = page.getByLabel('Inspector')
    await inspector.getByText('Since Gatehouse keeps count').waitFor()
    await inspector
      .getByText(lark?.path ?? 'no path')
      .first()
      .waitFor()
    await inspector.getByText('5 connections · 5 hosts').waitFor()
    await shoot(page, 'programs-inspector')
    await inspector.getByRole('button', { name: 'Close all connections' }).click()
    await page.getByText('connections of').first().waitFor()
    await programRow(page, 'larkmail').waitFor({ state: 'detached' })

    await page.goto(new URL(`/hosts?sel=${ABROAD.JP}`, page.url()).href)
    await page.getByLabel('Inspector').getByText('Japan').waitFor()
    await shoot(page, 'hosts-inspector')
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('the graph names what a program talks to, and tells the same as a table', async () => {
    const { page, wrongs } = await real.signIn()
    await page.keyboard.press('g')
    await page.keyboard.press('g')
    const node = page.getByRole('button', { name: /^tidesync, / })
    await node.focus()
    await page.keyboard.press('Enter')
    const inspector = page.getByLabel('Inspector')
    await inspector.getByText(`tidesync opened one connection to ${ABROAD.JP}`).waitFor()
    await shoot(page, 'graph-inspector')
    await page.keyboard.press('Shift+T')
    await page.getByRole('columnheader', { name: 'From' }).waitFor()
    const row = page.getByRole('row').filter({ hasText: ABROAD.JP }).filter({ hasText: 'tidesync opened' })
    await expect.poll(() => row.count()).toBe(1)
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('a country of the map leads to its connections', async () => {
    const { page, wrongs } = await real.signIn()
    await page.keyboard.press('g')
    await page.keyboard.press('m')
    await page.getByRole('link', { name: /^Japan: / }).click()
    await programRow(page, 'tidesync').waitFor()
    await addressSays(page, 'q', 'country:JP')
    await programRow(page, 'keygated').waitFor({ state: 'detached' })
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('the search says where it cannot be read, narrows by negation, and lives in the address', async () => {
    const { page } = await real.signIn()
    await goTo(page, '/connections')
    await page.keyboard.press('/')
    await page.keyboard.type('-app:tidesync prt:22')
    await page.keyboard.press('Enter')
    const trouble = page.getByRole('alert').filter({ hasText: 'prt' })
    await trouble.waitFor()
    expect(await trouble.locator('pre').textContent()).toBe('-app:tidesync prt:22\n              ^^^')
    expect(await trouble.textContent()).toContain('Did you mean port:?')
    await page.keyboard.press('Escape')
    await addressSays(page, 'q', '-app:tidesync prt:22')
    await programRow(page, 'podwright').waitFor()
    await programRow(page, 'tidesync').waitFor({ state: 'detached' })

    await goTo(page, '/connections?q=-app%3Apodwright')
    await page.getByRole('button', { name: 'Remove app podwright' }).click()
    await addressSays(page, 'q', null)
    await page.context().close()
  })

  test('connections of the past are found by the same search, and open beside the list', async () => {
    const { page, wrongs } = await real.signIn()
    await goTo(page, '/connections')
    await page.getByRole('button', { name: 'Past' }).click()
    await page.getByRole('grid').locator('.row[aria-rowindex]').first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type(`is:inbound proto:tcp peer:${real.wire.client.ip4} `)
    await page.keyboard.press('Escape')
    await programRow(page, 'larkmail').waitFor({ state: 'detached' })
    const found = page.locator('.row[aria-rowindex]')
    await expect.poll(() => found.count()).toBeGreaterThanOrEqual(3)
    await found.first().click()
    await shoot(page, 'connections-past-inspector')
    await page.getByLabel('Inspector').getByText('They called this machine').waitFor()
    await page.getByLabel('Inspector').getByText(real.wire.client.ip4).first().waitFor()
    await addressSays(page, 'when', 'past')
    expect(wrongs).toEqual([])
    await page.context().close()
  })
})
