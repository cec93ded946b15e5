import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { until } from '../support/daemon.ts'
import { testWith } from '../support/needs.ts'
import { type RealPage, startRealPage } from '../support/real-page.ts'
import { listen } from '../support/talkers.ts'

const test = testWith('root', 'ip', 'nft', 'chromium')

const RULES = `# The rules of this house.
defaults: { inbound: allow }
rules:
  # The office may sign in.
  - { id: office, action: allow, direction: inbound, protocol: tcp, port: 22, from: 192.0.2.0/24, comment: Sign-in from the office }
  - { id: web, action: allow, direction: inbound, protocol: tcp, port: [80, 443], comment: The web site }  # since 2019
  - { id: web-again, action: allow, direction: inbound, protocol: tcp, port: 443 }
  - deny out 25/tcp comment "No mail from here"
`

describe('the rules on the page', () => {
  let real: RealPage
  const rulesFile = (): string => readFileSync(join(real.folder, 'rules.yaml'), 'utf8')
  const kernelRules = (): string => real.kernelTable('gatehouse_rules')

  beforeAll(async () => {
    real = await startRealPage({ config: '', rules: RULES })
  })
  afterAll(async () => {
    await real?.remove()
  })

  async function openRules() {
    const signed = await real.signIn()
    await signed.page.keyboard.press('g')
    await signed.page.keyboard.press('r')
    await signed.page.getByRole('row', { name: /The web site/ }).waitFor()
    return signed
  }
  /** What a test before left undone when it failed. */
  async function discardDraft(page: Page): Promise<void> {
    const discard = page.getByRole('button', { name: 'Discard' })
    if (await discard.isVisible()) await discard.click()
    await discard.waitFor({ state: 'detached' })
  }
  const names = (page: Page): Promise<string[]> =>
    page.locator('.table .row:not(.fixed) .nm').allTextContents()
  const apply = (page: Page): Promise<void> =>
    page.getByRole('button', { name: /Apply, then confirm/ }).click()

  test('a rule is made with the form, seen in the kernel, kept from another tab, and taken back', async () => {
    const { page, wrongs } = await openRules()
    const other = await openRules()
    await page.keyboard.press('n')
    const form = page.getByRole('dialog')
    await form.getByRole('button', { name: 'Block' }).click()
    await form.getByLabel('Port').fill('70000')
    await form.getByRole('button', { name: 'Add to the draft' }).click()
    await form.getByRole('alert').filter({ hasText: '70000' }).first().waitFor()
    await form.getByLabel('Port').fill('23')
    await form.getByLabel('Protocol').selectOption('tcp')
    await form.getByLabel('Comment').fill('No telnet <b>here</b>')
    await form.getByRole('button', { name: 'Add to the draft' }).click()
    await page.getByRole('row', { name: /No telnet <b>here<\/b>/ }).waitFor()
    expect(kernelRules()).not.toContain('dport 23')
    await other.page.locator('.actionbar', { hasText: '1 change, not in force yet' }).waitFor()

    await apply(page)
    await other.page.getByText('Is everything still working?').waitFor()
    expect(kernelRules()).toContain('dport 23')
    expect(rulesFile()).toBe(RULES)
    await other.page.keyboard.press('Control+Enter')
    await page.getByText('Is everything still working?').waitFor({ state: 'detached' })
    expect(rulesFile()).toContain('# The office may sign in.')
    expect(rulesFile()).toContain('# since 2019')
    expect(rulesFile()).toContain('No telnet <b>here</b>')

    await page.getByRole('row', { name: /No telnet/ }).click()
    await page.keyboard.press('Delete')
    await page.locator('.row.is-removed', { hasText: 'No telnet' }).waitFor()
    await apply(page)
    await page.getByText('Is everything still working?').waitFor()
    expect(kernelRules()).not.toContain('dport 23')
    await page.getByRole('button', { name: 'Go back now' }).click()
    await page.getByText('Is everything still working?').waitFor({ state: 'detached' })
    expect(kernelRules()).toContain('dport 23')
    expect([...wrongs, ...other.wrongs].filter((wrong) => !wrong.includes('400'))).toEqual([])
    await page.context().close()
    await other.page.context().close()
  })

  test('rules move by Alt and an arrow and by dragging; undo brings the draft back; comments go along', async () => {
    const { page, wrongs } = await openRules()
    await discardDraft(page)
    await page.getByRole('row', { name: /Sign-in from the office/ }).click()
    await page.keyboard.press('Alt+ArrowDown')
    await expect
      .poll(() => names(page).then((all) => all.slice(0, 2)))
      .toEqual(['The web site', 'Sign-in from the office'])
    await page.keyboard.press('Alt+ArrowDown')
    await expect.poll(() => names(page).then((all) => all[2])).toBe('Sign-in from the office')
    await page.getByRole('button', { name: 'Changes' }).click()
    await page.locator('li.added', { hasText: '# The office may sign in.' }).waitFor()
    await page.getByRole('button', { name: 'List' }).click()

    const grip = page.getByRole('row', { name: /Sign-in from the office/ }).locator('.grip')
    await grip.dragTo(page.getByRole('row', { name: /The web site/ }))
    await page
      .locator('.actionbar', { hasText: 'Only words for people differ' })
      .or(page.locator('.page:not(:has(.actionbar))'))
      .first()
      .waitFor()
    await expect.poll(() => names(page).then((all) => all[0])).toBe('Sign-in from the office')
    await page.keyboard.press('u')
    await expect.poll(() => names(page).then((all) => all[2])).toBe('Sign-in from the office')
    expect(wrongs).toEqual([])
    await page.getByRole('button', { name: 'Discard' }).click()
    await page.context().close()
  })

  test('the text shows each error at its line and column, and the cursor goes there', async () => {
    const { page, wrongs } = await openRules()
    await page.getByRole('button', { name: 'Text' }).click()
    const area = page.getByRole('textbox', { name: 'The rules file as text' })
    await expect.poll(() => area.inputValue()).toContain('# The rules of this house.')
    await area.fill('rules:\n  - { action: deny, prt: 25 }\n')
    const place = page.getByRole('button', { name: 'Line 2, column 21' })
    await place.click()
    await page.locator('.problems', { hasText: 'Did you mean port?' }).waitFor()
    await expect
      .poll(() => page.evaluate('document.activeElement.selectionStart'))
      .toBe('rules:\n  - { action: deny, '.length)
    await page.keyboard.press('Control+Enter')
    await page.getByText('The draft has errors').waitFor()
    expect(await page.getByRole('button', { name: /Apply/ }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Discard' }).click()
    await page.getByText('The draft has errors').waitFor({ state: 'detached' })
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('rules that never speak are marked, an address is tested, and a simulation finds what the draft would change', async () => {
    const { server, client } = real.wire
    const port = await listen(server)
    for (let turn = 0; turn < 3; turn++) {
      client.run(process.execPath, 'test/support/tcp-caller.ts', server.ip4, String(port), 'once')
    }
    const { page, wrongs } = await openRules()
    await page
      .getByRole('row', { name: /web-again/ })
      .getByText(/Repeats|Never reached/)
      .first()
      .waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type(`${client.ip4}:25`)
    await page.locator('.tested', { hasText: 'Rule 4 decides' }).waitFor()
    await page.getByRole('textbox', { name: /Find a rule/ }).fill('')

    await page.keyboard.press('Escape')
    await page.locator('.table').focus()
    await page.getByLabel('When no rule fits, Inbound').selectOption('deny')
    await page.getByRole('button', { name: 'Simulate' }).click()
    const aside = page.getByRole('complementary', { name: 'Simulation' })
    // Flows come to the disk some seconds after they were seen.
    await expect
      .poll(
        async () => {
          await aside.getByRole('button', { name: /^(Start|Simulate again)$/ }).click()
          await aside.getByText(/would have changed|No connection was recorded/).waitFor()
          await aside.getByRole('button', { name: 'Simulate again' }).waitFor()
          return aside.textContent()
        },
        { timeout: 60_000, interval: 1_000 },
      )
      .toMatch(new RegExp(`newly blocked.*${client.ip4}`))
    await page.getByRole('button', { name: 'Discard' }).click()
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('versions are compared with what is in force, one becomes the draft; u takes back what was kept', async () => {
    const { page, wrongs } = await openRules()
    await discardDraft(page)
    const before = rulesFile()
    await page.keyboard.press('n')
    const form = page.getByRole('dialog')
    await form.getByRole('button', { name: 'Block' }).click()
    await form.getByLabel('Port').fill('2525')
    await form.getByLabel('Protocol').selectOption('tcp')
    await form.getByRole('button', { name: 'Add to the draft' }).click()
    await apply(page)
    await page.getByText('Is everything still working?').waitFor()
    await page.keyboard.press('Control+Enter')
    await page.getByText('Is everything still working?').waitFor({ state: 'detached' })
    await until('the rules are kept', () => rulesFile() !== before)
    await page.getByRole('button', { name: 'Versions' }).click()
    const list = page.getByRole('list', { name: 'Versions of the rules, newest first' })
    await list.getByText('In force').waitFor()
    await list
      .getByRole('button', { name: /^Compare/ })
      .first()
      .click()
    await list.locator('li.added', { hasText: '2525' }).first().waitFor()
    await list
      .getByRole('button', { name: /^Make it the draft/ })
      .first()
      .click()
    await page.locator('.actionbar', { hasText: 'not in force yet' }).waitFor()
    expect(kernelRules()).toContain('dport 2525')
    await page.keyboard.press('u')
    await page.locator('.actionbar', { hasText: 'not in force yet' }).waitFor({ state: 'detached' })
    await page.keyboard.press('u')
    await until('the rules before are in force', () => !kernelRules().includes('dport 2525'))
    await until('so is their file', () => rulesFile() === before)
    expect(wrongs.filter((wrong) => !wrong.includes('400'))).toEqual([])
    await page.context().close()
  })

  test('a connection leads to a rule about it, and a pause shows its time in every tab', async () => {
    const { page, wrongs } = await real.signIn()
    await page.goto(
      new URL('/rules?new=connection&direction=outbound&to=203.0.113.7&protocol=tcp&port=6667', page.url())
        .href,
    )
    const form = page.getByRole('dialog')
    await expect.poll(() => form.getByLabel('To', { exact: true }).inputValue()).toBe('203.0.113.7')
    expect(await form.getByLabel('Port').inputValue()).toBe('6667')
    await form.getByRole('button', { name: 'Add to the draft' }).click()
    await page.getByRole('row', { name: /203\.0\.113\.7/ }).waitFor()
    await page.getByRole('button', { name: 'Discard' }).click()

    await page.getByRole('button', { name: 'Pause or lock down' }).click()
    await page.getByRole('menuitem', { name: '5 minutes' }).first().click()
    const second = await real.signIn()
    await second.page.getByText('Paused: everything passes that is not blocked.').waitFor()
    await second.page.getByRole('button', { name: 'End it now' }).click()
    await page.getByText('Paused: everything').waitFor({ state: 'detached' })
    expect([...wrongs, ...second.wrongs]).toEqual([])
    await page.context().close()
    await second.page.context().close()
  })
})
