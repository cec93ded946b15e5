import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { testWith } from '../support/needs.ts'
import { type RealPage, startRealPage } from '../support/real-page.ts'

const test = testWith('root', 'ip', 'nft', 'nmap', 'chromium')

const CONFIG = `# Mine.
respond:
  # A quarter of an hour is enough.
  blockSeconds: 900 # not 600
`

describe('settings and detectors on the page', () => {
  let real: RealPage
  const configPath = (): string => join(real.folder, 'config.yaml')
  const config = (): string => readFileSync(configPath(), 'utf8')

  beforeAll(async () => {
    real = await startRealPage({ config: CONFIG, rules: '' })
  })
  afterAll(async () => {
    await real?.remove()
  })

  const field = (page: Page, name: string) => page.getByLabel(name, { exact: true })

  test('a setting is found, refused at its field, saved with the comments of the file, and taken back', async () => {
    const { page, wrongs } = await real.signIn()
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('first automatic block')
    const seconds = field(page, 'Block seconds')
    await expect.poll(() => seconds.inputValue()).toBe('900')
    await page.getByText('respond.blockSeconds · default 600 · from the file, line 4').waitFor()
    await seconds.fill('0')
    await page
      .getByRole('alert')
      .filter({ hasText: /expected a whole number from 1/ })
      .waitFor()
    expect(await page.getByRole('button', { name: /^Save/ }).isDisabled()).toBe(true)
    await seconds.fill('1200')
    await page.getByText('Checked: they fit.').waitFor()
    await page.getByRole('button', { name: /^Save/ }).click()
    await page.locator('.toast', { hasText: 'respond.blockSeconds = 1200.' }).waitFor()
    expect(config()).toBe(CONFIG.replace('900', '1200'))
    await page.keyboard.press('Escape')
    await page.locator('h1').click()
    await page.keyboard.press('u')
    await expect.poll(config).toBe(CONFIG)
    // A wrong value is asked about, and answered with 400.
    expect(wrongs.filter((wrong) => !wrong.includes('400'))).toEqual([])
    await page.context().close()
  })

  test('what needs a restart says so until then, and a broken file is named with its line', async () => {
    const { page, wrongs } = await real.signIn()
    await page.goto(new URL('/settings/store', page.url()).href)
    await field(page, 'Flows days').fill('9')
    await page.getByText('Checked: they fit.').waitFor()
    await page.keyboard.press('Control+Enter')
    await page.locator('.note', { hasText: '1 setting waits for a restart' }).waitFor()
    expect(config()).toContain('flowsDays: 9')
    await page.getByRole('button', { name: 'Back to the default: Flows days' }).click()
    await page.locator('.note').waitFor({ state: 'detached' })
    expect(config()).toBe(CONFIG)

    writeFileSync(configPath(), `${CONFIG}store: { flowsDays: many }\n`)
    await page.reload()
    const note = page.locator('.note--down')
    await note.waitFor()
    expect(await note.textContent()).toMatch(/Line 5, column \d+: store\.flowsDays expected a whole number/)
    writeFileSync(configPath(), CONFIG)
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('a detector is switched from the list, tuned from its alert, and obeys at once', async () => {
    const { client, server } = real.wire
    const scan = (ports: string): string =>
      execFileSync('ip', [
        ...['netns', 'exec', client.namespace, 'nmap', '-Pn', '-n', '-T4', '--max-retries', '1'],
        ...['--host-timeout', '5s', '-p', ports, server.ip4],
      ]).toString()
    const { page, wrongs } = await real.signIn()
    await page.keyboard.press('g')
    await page.keyboard.press('e')
    await page.getByLabel('How far Port scan may go').selectOption('watch')
    await page.locator('.toast', { hasText: 'respond.modes.port-scan = "watch"' }).waitFor()
    expect(config()).toContain('port-scan: watch')

    scan('1-12')
    await page.keyboard.press('g')
    await page.keyboard.press('a')
    await page
      .getByText(/tried 12 ports/)
      .first()
      .click()
    expect(real.kernelTable()).not.toContain(`elements = { ${client.ip4}`)
    await page.getByRole('link', { name: 'Tune the detector' }).click()
    const limit = field(page, 'Refused ports')
    await limit.waitFor()
    await expect
      .poll(() => page.evaluate('document.activeElement.id'))
      .toBe('set-detectors.port-scan.refusedPorts')
    await limit.fill('20')
    await page.getByText('1 alert would not have been told.').waitFor()
    await limit.fill('8')
    await page.getByText('1 alert would still be told.').waitFor()
    await limit.fill('20')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.locator('.toast', { hasText: 'detectors.port-scan.refusedPorts = 20' }).waitFor()
    await page.getByLabel('How far Port scan may go').selectOption('act')
    await page.locator('.toast', { hasText: 'respond.modes.port-scan = "act"' }).waitFor()

    scan('101-160')
    await expect.poll(() => real.kernelTable()).toContain(client.ip4)
    const [alert] = JSON.parse(real.gatehouse('alerts', '-o', 'json')).items
    expect(alert.because).toMatch(/refusedPorts = 20|silentPorts = 15/)
    expect(alert.evidence.count).toBeGreaterThanOrEqual(15)
    real.gatehouse('unblock', client.ip4)
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('a profile changes the limits of detectors, and says so', async () => {
    const { page, wrongs } = await real.signIn()
    await page.goto(new URL('/detectors/host-sweep', page.url()).href)
    await page.getByRole('button', { name: 'Paranoid' }).click()
    await page
      .getByText(/default \d+ · from the profile paranoid/)
      .first()
      .waitFor()
    expect(config()).toContain('profile: paranoid')
    expect(real.gatehouse('detectors', 'show', 'host-sweep')).toMatch(/refusedHosts +3 +profile/)
    await page.getByRole('button', { name: 'Normal' }).click()
    await page
      .getByText(/from the profile/)
      .first()
      .waitFor({ state: 'detached' })
    expect(wrongs).toEqual([])
    await page.context().close()
  })
})
