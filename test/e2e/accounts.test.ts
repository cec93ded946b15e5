import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { codeOf } from '#lib/one-time-code.ts'
import { faultsOf } from '../support/axe.ts'
import { testWith } from '../support/needs.ts'
import { type RealPage, startRealPage } from '../support/real-page.ts'

const test = testWith('root', 'ip', 'nft', 'chromium')

const LAUNCHER = fileURLToPath(new URL('../../bin/gatehouse', import.meta.url))
const SHOTS = 'coverage/screens'
const PASSWORDS = { anna: 'four random words kept', vera: 'some other words apart' } as const
const THEMES = ['dark', 'light'] as const
/** A program of its own: prints the status that an address answers to a token. */
const ASK_WITH_TOKEN =
  "fetch(process.argv[1], { headers: { authorization: 'Bearer ' + process.argv[2] } }).then((answer) => console.log(answer.status))"
const PHONE = { width: 360, height: 780 }

describe('accounts', () => {
  let real: RealPage
  /** Of the authenticator app that vera sets up in the first test. */
  let secret = ''
  let recoveryCodes: string[] = []

  beforeAll(async () => {
    real = await startRealPage({ rules: '' })
    mkdirSync(SHOTS, { recursive: true })
    const socket = join(real.folder, 'api.sock')
    for (const [name, role] of [
      ['anna', 'admin'],
      ['vera', 'viewer'],
    ] as const) {
      real.gatehouse('user', 'add', name, '--role', role)
      execFileSync(LAUNCHER, ['password', '--account', name, '--socket', socket], {
        input: `${PASSWORDS[name]}\n`,
      })
    }
  })
  afterAll(async () => {
    await real?.remove()
  })

  /** A browser of its own at the page's address, where nobody is signed in. */
  async function freshPage(size = { width: 1440, height: 900 }): Promise<{ page: Page; wrongs: string[] }> {
    const page = await (await real.browser.newContext({ viewport: size })).newPage()
    const wrongs: string[] = []
    page.on('pageerror', (error) => wrongs.push(String(error)))
    await page.goto(new URL(real.freshLink()).origin)
    await page.getByRole('heading', { name: 'Sign in to Gatehouse' }).waitFor()
    return { page, wrongs }
  }

  /** Forms that are closed are in the document too. */
  const field = (page: Page, label: string) =>
    page.getByLabel(label, { exact: true }).filter({ visible: true })

  const type = async (page: Page, fields: Readonly<Record<string, string>>): Promise<void> => {
    for (const [label, value] of Object.entries(fields)) await field(page, label).fill(value)
    await page.keyboard.press('Enter')
  }

  async function signInAs(name: keyof typeof PASSWORDS, size?: { width: number; height: number }) {
    const { page, wrongs } = await freshPage(size)
    await type(page, { Name: name, Password: PASSWORDS[name] })
    await page.getByText('Protecting').waitFor()
    return { page, wrongs }
  }

  async function go(page: Page, path: string): Promise<void> {
    await page.goto(new URL(path, page.url()).href)
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    await page.locator('.status--watch').waitFor({ state: 'detached' })
  }

  /** Asks the API as the page does; answers the status. */
  const statusOf = (page: Page, method: string, path: string, body: object = {}) =>
    page.evaluate(
      async ([method, path, body]) => {
        const headers = { 'content-type': 'application/json', 'x-gatehouse': '1' }
        return (await fetch(`/api/v1/${path}`, { method, headers, body })).status
      },
      [method, path, JSON.stringify(body)] as const,
    )

  test('somebody sets up an authenticator app, and signs in with name, password and its code', async () => {
    const { page, wrongs } = await signInAs('vera')
    await page.keyboard.press('g')
    await page.keyboard.press('u')
    await page.getByRole('button', { name: 'Set up an app' }).click()
    const dialog = page.getByRole('dialog', { name: 'Authenticator app' })
    await dialog.getByRole('img', { name: 'QR code' }).waitFor()
    secret = ((await dialog.locator('code').textContent()) ?? '').replaceAll(' ', '')
    await page.screenshot({ path: join(SHOTS, 'accounts-app.png') })
    expect(await faultsOf(page)).toEqual([])

    await type(page, { 'Code that the app shows now': '000000' })
    await dialog.getByRole('alert').waitFor()
    await type(page, { 'Code that the app shows now': codeOf(secret, Date.now()) })
    const once = page.getByRole('dialog', { name: 'Recovery codes' })
    await once.waitFor()
    recoveryCodes = await once.locator('code').allTextContents()
    expect(recoveryCodes.length).toBeGreaterThanOrEqual(8)
    await page.screenshot({ path: join(SHOTS, 'accounts-recovery.png') })
    await once.getByRole('button', { name: 'I have it' }).click()
    await page.getByText(/Asked at each sign-in; \d+ recovery codes are left/).waitFor()

    await page.getByRole('button', { name: 'You: vera' }).click()
    await page.screenshot({ path: join(SHOTS, 'accounts-menu.png') })
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await type(page, { Name: 'vera', Password: PASSWORDS.vera })
    const code = page.getByLabel('Code of your authenticator app')
    await code.waitFor()
    await page.locator('#code:focus').waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
    await page.screenshot({ path: join(SHOTS, 'login-code.png') })
    expect(await faultsOf(page)).toEqual([])
    await type(page, { 'Code of your authenticator app': 'nonsense' })
    await page.getByRole('alert').waitFor()
    await type(page, {
      Password: PASSWORDS.vera,
      'Code of your authenticator app': codeOf(secret, Date.now()),
    })
    await page.getByText('Protecting').waitFor()
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('a recovery code stands in for the phone, once', async () => {
    const [first = ''] = recoveryCodes
    const { page } = await freshPage()
    await type(page, { Name: 'vera', Password: PASSWORDS.vera })
    await type(page, { 'Code of your authenticator app': first })
    await page.getByText('Protecting').waitFor()
    await page.context().close()

    const again = await freshPage()
    await type(again.page, { Name: 'vera', Password: PASSWORDS.vera })
    await type(again.page, { 'Code of your authenticator app': first })
    await again.page.getByRole('alert').waitFor()
    await again.page.context().close()
  })

  test('a viewer sees why nothing can be changed, on each screen, and the API says no as well', async () => {
    const { page, wrongs } = await freshPage()
    await type(page, { Name: 'vera', Password: PASSWORDS.vera })
    await type(page, { 'Code of your authenticator app': recoveryCodes[1] ?? '' })
    await page.getByText('Protecting').waitFor()
    const WHY = 'You can look but not change: your role is viewer'
    const LOCKED: Readonly<Record<string, string>> = {
      '/blocks': 'Block an address',
      '/rules': 'New rule',
      '/detectors': 'Paranoid',
      '/lists': 'Own list',
    }
    for (const [path, name] of Object.entries(LOCKED)) {
      await go(page, path)
      const button = page.getByRole('button', { name }).first()
      await button.waitFor()
      expect([path, await button.isDisabled(), await button.getAttribute('title')]).toEqual([
        path,
        true,
        expect.stringContaining(WHY),
      ])
      await page.locator('.note--info', { hasText: WHY }).waitFor()
    }
    for (const path of ['/connections', '/decisions', '/settings']) {
      await go(page, path)
      await page.locator('.note--info', { hasText: WHY }).waitFor()
    }
    await go(page, '/accounts')
    await page.getByText('Accounts of others and tokens are for the role admin.').waitFor()
    expect(await page.getByRole('button', { name: 'Make a token' }).count()).toBe(0)
    await page.screenshot({ path: join(SHOTS, 'accounts-viewer.png') })
    expect(await statusOf(page, 'POST', 'blocks', { target: '203.0.113.9' })).toBe(403)
    expect(await statusOf(page, 'POST', 'accounts', { name: 'eve', role: 'admin' })).toBe(403)
    expect(await statusOf(page, 'PATCH', 'accounts/anna', { password: 'not hers to choose' })).toBe(403)
    expect(real.kernelTable()).not.toContain('203.0.113.9')
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('an admin adds somebody with a link, and ends their session: the other page is signed out', async () => {
    const { page, wrongs } = await signInAs('anna')
    await go(page, '/accounts')
    await page.getByRole('button', { name: 'Add an account' }).click()
    await field(page, 'Role').selectOption('operator')
    await type(page, { Name: 'ben' })
    await page.getByRole('button', { name: 'One-time link for ben' }).click()
    const once = page.getByRole('dialog', { name: 'A link for ben' })
    const link = (await once.locator('code').textContent()) ?? ''
    await once.getByRole('button', { name: 'I have it' }).click()

    const other = await (await real.browser.newContext()).newPage()
    await other.goto(link)
    await other.getByText('Protecting').waitFor()
    await go(other, '/accounts')
    await other.getByText('Not set: you come in by links that work once').waitFor()
    expect(await other.getByRole('button', { name: 'Set up an app' }).isDisabled()).toBe(true)
    await other.getByRole('button', { name: 'Set a password' }).click()
    await type(other, { 'New password': 'ben has his own words', 'The same again': 'ben has his own words' })
    await other.getByText('ben has a new password').first().waitFor()

    await page.getByRole('button', { name: /^Sign out ben from/ }).click({ timeout: 20_000 })
    await page.locator('.toast', { hasText: 'ben was signed out' }).waitFor()
    await other.getByText('Your session has ended.').waitFor({ timeout: 40_000 })
    expect(await statusOf(other, 'GET', 'status').catch(() => 401)).toBe(401)

    await page.getByLabel('Role of ben').selectOption('viewer')
    await page.locator('.toast', { hasText: 'ben is viewer now, and was operator' }).waitFor()
    await page.getByRole('button', { name: 'More for ben' }).click()
    await page.getByRole('menuitem', { name: 'Remove', exact: true }).click()
    await page.getByRole('dialog', { name: 'Remove ben?' }).getByRole('button', { name: 'Remove' }).click()
    await page.getByLabel('Role of ben').waitFor({ state: 'detached' })
    expect(JSON.parse(real.gatehouse('user', 'list', '-o', 'json'))).not.toContainEqual(
      expect.objectContaining({ name: 'ben' }),
    )
    expect(wrongs).toEqual([])
    await other.context().close()
    await page.context().close()
  })

  test('a token is shown once, lets a program in, and lets it in no more when it is revoked', async () => {
    const { page, wrongs } = await signInAs('anna')
    await go(page, '/accounts')
    await page.getByRole('button', { name: 'Make a token' }).click()
    await field(page, 'It may ask').selectOption('viewer')
    await type(page, { Name: 'grafana' })
    const once = page.getByRole('dialog', { name: 'Token grafana' })
    const token = (await once.locator('code').textContent()) ?? ''
    await once.getByRole('button', { name: 'I have it' }).click()
    await expect.poll(async () => (await page.content()).includes(token)).toBe(false)

    const status = (): string =>
      real.wire.server
        .run(process.execPath, '-e', ASK_WITH_TOKEN, new URL('/api/v1/status', page.url()).href, token)
        .trim()
    expect(status()).toBe('200')
    await page.getByRole('button', { name: 'Revoke grafana' }).click()
    await page
      .getByRole('dialog', { name: 'Revoke grafana?' })
      .getByRole('button', { name: 'Revoke' })
      .click()
    await page.getByText('There are no tokens.').waitFor()
    await expect.poll(status).toBe('401')
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  // The core asks by itself after some time: proof.test.ts waits for that. Here one answer is made up.
  test('the question who it is takes a code as well, and the refused act is done then', async () => {
    const { page, wrongs } = await signInAs('anna')
    await go(page, '/accounts')
    await page.getByRole('button', { name: 'Set up an app' }).click()
    const dialog = page.getByRole('dialog', { name: 'Authenticator app' })
    const own = ((await dialog.locator('code').textContent()) ?? '').replaceAll(' ', '')
    await type(page, { 'Code that the app shows now': codeOf(own, Date.now()) })
    await page.getByRole('button', { name: 'I have it' }).click()

    let asked = 0
    await page.route('**/api/v1/accounts', (route) => {
      if (route.request().method() !== 'POST' || asked++ > 0) return route.continue()
      const problem = { title: 'Prove that it is you', status: 403, signIn: { proof: true } }
      return route.fulfill({
        status: 403,
        contentType: 'application/problem+json',
        body: JSON.stringify(problem),
      })
    })
    await page.getByRole('button', { name: 'Add an account' }).click()
    await type(page, { Name: 'carl' })
    const proof = page.getByRole('dialog', { name: 'Prove that it is you' })
    await proof.getByLabel('Code of your authenticator app').waitFor()
    await page.screenshot({ path: join(SHOTS, 'accounts-proof.png') })
    expect(await faultsOf(page)).toEqual([])
    await proof.getByLabel('Password').fill(PASSWORDS.anna)
    await proof.getByLabel('Code of your authenticator app').fill(codeOf(own, Date.now()))
    await page.keyboard.press('Enter')
    await page.getByLabel('Role of carl').waitFor()
    expect(asked).toBe(2)

    await page.getByRole('button', { name: 'Ask for no code' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Ask for no code' }).click()
    await page.getByText('Not asked for').waitFor()
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('who has no password is told to open a fresh link instead', async () => {
    const { page } = await real.signIn()
    await go(page, '/accounts')
    await page.getByText(/came in by a link and is no account/).waitFor()
    await page.route('**/api/v1/tokens', (route) =>
      route.request().method() === 'POST'
        ? route.fulfill({
            status: 403,
            contentType: 'application/problem+json',
            body: JSON.stringify({ title: 'Prove it', status: 403, signIn: { proof: true } }),
          })
        : route.continue(),
    )
    await page.getByRole('button', { name: 'Make a token' }).click()
    await type(page, { Name: 'grafana' })
    const proof = page.getByRole('dialog', { name: 'Prove that it is you' })
    await proof.getByText('You have no password here.').waitFor()
    expect(await proof.getByLabel('Password').count()).toBe(0)
    await page.context().close()
  })

  test('the screens of accounts have no serious fault, in each theme and on a telephone', async () => {
    const { page, wrongs } = await signInAs('anna')
    const faults: string[] = []
    for (const theme of THEMES) {
      await page.evaluate((name) => localStorage.setItem('gatehouse.theme', name), theme)
      await go(page, '/accounts')
      await page.getByLabel('Role of anna').waitFor()
      await page.screenshot({ path: join(SHOTS, `accounts-${theme}.png`) })
      faults.push(...(await faultsOf(page)).map((fault) => `${theme}: ${fault}`))
    }
    await page.setViewportSize(PHONE)
    await page.screenshot({ path: join(SHOTS, 'accounts-360.png'), fullPage: true })
    await page.getByRole('button', { name: 'More', exact: true }).click()
    await page.screenshot({ path: join(SHOTS, 'accounts-360-more.png') })
    await page.getByRole('link', { name: 'Accounts' }).click()
    const wider = () => page.evaluate('document.documentElement.scrollWidth - innerWidth')
    expect(await wider()).toBeLessThanOrEqual(0)
    await page.getByRole('button', { name: 'Set up an app' }).click()
    await page.getByRole('img', { name: 'QR code' }).waitFor()
    await page.screenshot({ path: join(SHOTS, 'accounts-360-app.png') })
    expect(await wider()).toBeLessThanOrEqual(0)
    await page.keyboard.press('Escape')
    await page.evaluate("fetch('/logout', { method: 'POST', headers: { 'x-gatehouse': '1' } })")
    await page.goto(new URL('/', page.url()).href)
    await field(page, 'Name').waitFor()
    await page.screenshot({ path: join(SHOTS, 'login-360.png') })
    faults.push(...(await faultsOf(page)))
    expect(await wider()).toBeLessThanOrEqual(0)
    expect(faults).toEqual([])
    expect(wrongs).toEqual([])
    await page.context().close()
  })
})
