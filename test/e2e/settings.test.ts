import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { faultsOf } from '../support/axe.ts'
import { testWith } from '../support/needs.ts'
import { type RealPage, startRealPage } from '../support/real-page.ts'

const test = testWith('root', 'ip', 'nft', 'nmap', 'chromium')
const testOfFloods = testWith('root', 'ip', 'nft', 'hping3', 'chromium')

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

  test('a decoy is set with what that means, shows who came and what he sent, and is taken back', async () => {
    const { client, server } = real.wire
    const { page, wrongs } = await real.signIn()
    await page.keyboard.press('g')
    await page.keyboard.press('y')
    await page.getByText('Nothing is a decoy.').waitFor()
    await page.getByRole('button', { name: 'Choose ports' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('TCP port').fill('99999')
    await dialog.getByText('99999 is no port: use a number from 1 to 65535.').waitFor()
    await dialog.getByLabel('TCP port').fill('2323')
    await dialog.getByLabel('What port 2323 says first').fill('login: ')
    await dialog.getByText(/^These will answer: port 2323\. Whoever connects is held/).waitFor()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.locator('.toast', { hasText: 'decoys.ports = [2323]' }).waitFor()
    await page.getByRole('row', { name: /^Port 2323 login: Answers/ }).waitFor()

    client.start(process.execPath, '--input-type=module', '-e', sayingScript(server.ip4))
    const row = page.getByRole('row').filter({ hasText: client.ip4 })
    await row.getByText('root\\x1b[31m').waitFor()
    await row.getByText('Blocked').waitFor()
    expect(await faultsOf(page)).toEqual([])
    await row.getByRole('link', { name: 'Alert' }).click()
    await page
      .getByText(/bytes to the decoy at port 2323/)
      .first()
      .waitFor()
    real.gatehouse('unblock', client.ip4)

    await page.goBack()
    await page.getByRole('switch', { name: 'Decoys answer' }).click()
    await page.getByText('Decoys are off. 1 place is set.').waitFor()
    await page.locator('h1').click()
    await page.keyboard.press('u')
    await page.getByText('1 place answers.').waitFor()
    await page.getByRole('button', { name: 'Answer no more: Port 2323' }).click()
    await page.getByText('Nothing is a decoy.').waitFor()
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  testOfFloods(
    'a flooded port is shown with its reason, and a person ends the shield',
    async () => {
      const { client, server } = real.wire
      real.gatehouse('config', 'set', 'shield.floods', 'always')
      const service = server.start(process.execPath, '--input-type=module', '-e', SERVICE)
      await new Promise((resolve) => service.stdout?.once('data', resolve))
      const { page, wrongs } = await real.signIn()
      await page.goto(new URL('/decoys', page.url()).href)
      await page.getByText(/^Nothing is shielded now/).waitFor()
      const flood = client.start(
        'hping3',
        '-q',
        '-S',
        '-p',
        '8080',
        '--rand-source',
        '-i',
        'u500',
        server.ip4,
      )
      const row = page.getByRole('row', { name: /^Port 8080 SYN proxy/ })
      await row.waitFor({ timeout: 60_000 })
      flood.kill('SIGKILL')
      await row.getByRole('link', { name: /is flooded from/ }).waitFor()
      await row.getByRole('button', { name: 'End it: Port 8080' }).click()
      await page.locator('.toast', { hasText: 'Port 8080 is no longer behind a SYN proxy.' }).waitFor()
      await row.waitFor({ state: 'detached' })
      expect(real.gatehouse('shield')).toContain('Nothing is guarded')
      await page.locator('h1').click()
      await page.keyboard.press('u')
      await row.waitFor()
      expect(wrongs).toEqual([])
      await page.context().close()
    },
    120_000,
  )
})

const SERVICE = `
  import { createServer } from 'node:net'
  createServer((socket) => socket.on('error', () => {}).end('ok')).listen(8080, () => console.log('listening'))
`

/** Connects to the decoy, answers what it says, and stays. */
const sayingScript = (server: string): string => `
  import { connect } from 'node:net'
  const socket = connect(2323, '${server}')
  socket.on('error', () => {}).on('data', () => socket.write('root\\u001b[31m'))
  setInterval(() => {}, 1000)
`
