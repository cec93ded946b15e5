import { execFileSync } from 'node:child_process'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { until } from '../support/daemon.ts'
import { testWith } from '../support/needs.ts'
import { blockByApi, goTo, openWorld, shoot } from '../support/page-world.ts'
import type { RealPage } from '../support/real-page.ts'

const test = testWith('root', 'ip', 'nft', 'chromium')

const TARGET = '198.51.100.7'
const RULES = `defaults: { inbound: allow }
rules:
  - { id: web, action: allow, direction: inbound, protocol: tcp, port: 80, comment: The web site }
  - { id: mail, action: deny, direction: outbound, protocol: tcp, port: 25, comment: No mail }
`

describe('acts of rows', () => {
  let real: RealPage
  let peer: string

  beforeAll(async () => {
    ;({ real } = await openWorld({
      config: '',
      rules: RULES,
      talks: ({ client }) =>
        ['larkmail', 'tidesync'].map((program) => ({ program, to: [client.ip4], bytesEach: 2_000 })),
    }))
    peer = real.wire.client.ip4
  })
  afterAll(async () => {
    await real?.remove()
  })

  const rowOf = (page: Page, words: string | RegExp): Locator =>
    page.locator('.row, .line, .field', { hasText: words }).first()

  /** Opens the menu of a row, and copies one of its lines. */
  async function copied(page: Page, row: Locator, act: string): Promise<string> {
    await row.hover()
    await row.locator('button[aria-haspopup=menu]').click()
    const menu = page.getByRole('menu').filter({ has: page.getByText('Copy as') })
    const lines = menu.getByRole('group', { name: act, exact: true })
    await lines.getByRole('menuitem', { name: /copy the command line/ }).click()
    await menu.waitFor({ state: 'detached' })
    return String(await page.evaluate('navigator.clipboard.readText()'))
  }
  /** Runs a line that was copied, as bash reads it, against this daemon. */
  function run(line: string): void {
    const words = execFileSync('bash', ['--norc', '-c', `gatehouse() { printf '%s\\0' "$@"; }\n${line}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
      .toString()
      .split('\0')
      .slice(0, -1)
    real.gatehouse(...words)
  }

  test('on each screen are a command line away, and that line does them', async () => {
    const { page, wrongs } = await real.signIn()
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    real.gatehouse('block', TARGET)

    await goTo(page, '/blocks')
    const block = rowOf(page, TARGET)
    run(await copied(page, block, 'Unblock'))
    // The pointer is still there: what is over keeps its place until it leaves.
    await block.getByText('No longer blocked').waitFor()
    await page.keyboard.press('Escape')
    await page.mouse.move(0, 0)
    await block.waitFor({ state: 'detached' })
    expect(real.kernelTable()).not.toContain(TARGET)

    await goTo(page, '/decisions')
    run(await copied(page, rowOf(page, /Blocked.*198\.51\.100\.7|Unblocked.*198\.51\.100\.7/), 'Undo'))
    expect(real.kernelTable()).toContain(TARGET)

    await goTo(page, '/programs')
    const program = rowOf(page, 'larkmail')
    run(await copied(page, program, 'Close'))
    await program.waitFor({ state: 'detached' })

    await goTo(page, '/hosts')
    run(await copied(page, rowOf(page, peer), 'Block'))
    expect(real.kernelTable()).toContain(peer)
    await shoot(page, 'hosts-row-menu')
    real.gatehouse('unblock', peer)

    await goTo(page, '/rules')
    run(await copied(page, rowOf(page, 'No mail'), 'Move up'))
    await page.locator('.actionbar', { hasText: 'not in force yet' }).waitFor()
    expect(real.gatehouse('rule', 'diff', 'draft')).toMatch(/^[-+].*No mail/m)
    run(await copied(page, rowOf(page, 'The web site'), 'Switch off'))
    await expect.poll(() => rowOf(page, 'The web site').textContent()).toContain('Off')

    await goTo(page, '/settings/respond')
    run(await copied(page, rowOf(page, 'respond.blockSeconds'), 'Set'))
    expect(real.gatehouse('config', 'get', 'respond.blockSeconds')).toContain('file')

    await goTo(page, '/lists')
    const list = rowOf(page, 'Feodo')
    await list.locator('button[aria-haspopup=menu]').click()
    await page.getByRole('menuitem', { name: 'Switch on: copy the API call' }).waitFor()
    await shoot(page, 'lists-row-menu')
    await page.keyboard.press('Escape')

    expect(wrongs).toEqual([])
    await page.context().close()
  }, 240_000)

  test('are taken back in any tab, and after a reload', async () => {
    const { page, wrongs } = await real.signIn()
    const other = await page.context().newPage()
    await other.goto(new URL('/blocks', page.url()).href)
    await other.getByRole('heading', { level: 1 }).first().waitFor()
    const stack = (tab: Page) => tab.getByRole('button', { name: /of yours can be undone/ })

    await goTo(page, '/rules')
    // The draft of the test before.
    const discard = page.getByRole('button', { name: 'Discard' })
    await page.getByRole('row', { name: /No mail/ }).waitFor()
    if (await discard.isVisible()) await discard.click()
    await discard.waitFor({ state: 'detached' })
    await page.getByRole('row', { name: /No mail/ }).click()
    await page.keyboard.press('Delete')
    await page.getByRole('button', { name: /Apply, then confirm/ }).click()
    await page.getByText('Is everything still working?').waitFor()
    await page.keyboard.press('Control+Enter')
    await page.getByText('Is everything still working?').waitFor({ state: 'detached' })
    await until('the rule is gone', () => !real.kernelTable('gatehouse_rules').includes('dport 25'))

    await other.bringToFront()
    await stack(other).waitFor()
    await other.keyboard.press('u')
    await until('the rule is back', () => real.kernelTable('gatehouse_rules').includes('dport 25'))

    await blockByApi(page, '203.0.113.77')
    await other.reload()
    await stack(other).click()
    await other.getByRole('menuitem', { name: 'Blocked: 203.0.113.77' }).click()
    await until('the block is gone', () => !real.kernelTable().includes('203.0.113.77'))
    // What one tab took back, no other offers any more.
    await stack(page).click()
    await page.getByRole('menuitem').first().waitFor()
    await page.getByRole('menuitem', { name: /203\.0\.113\.77/ }).waitFor({ state: 'detached' })
    expect(wrongs).toEqual([])
    await page.context().close()
  })
})
