import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect } from 'vitest'
import { testWith } from '../support/needs.ts'
import { type RealPage, startRealPage } from '../support/real-page.ts'

const test = testWith('root', 'ip', 'nft', 'chromium')

const LAUNCHER = fileURLToPath(new URL('../../bin/gatehouse', import.meta.url))
const PASSWORD = 'four random words kept'

let real: RealPage
beforeAll(async () => {
  real = await startRealPage({ config: 'page: { proofMinutes: 0.25 }\n', rules: '' })
})
afterAll(async () => {
  await real?.remove()
})

test('a page that was left open asks who it is before a setting changes, and then goes on', async () => {
  const socket = join(real.folder, 'api.sock')
  execFileSync(LAUNCHER, ['user', 'add', 'anna', '--role', 'admin', '--socket', socket])
  execFileSync(LAUNCHER, ['password', '--account', 'anna', '--socket', socket], { input: `${PASSWORD}\n` })
  const link = /http:\/\/\S+/.exec(real.gatehouse('login', '--account', 'anna'))?.[0] ?? ''
  const page = await (await real.browser.newContext()).newPage()
  await page.goto(link)
  await page.getByRole('heading', { level: 1 }).first().waitFor()
  const config = (): string => readFileSync(join(real.folder, 'config.yaml'), 'utf8')

  // A quarter of a minute after the sign-in the core wants to know again.
  const status = () =>
    page.evaluate(async () => {
      const body = JSON.stringify({
        changes: [{ setting: 'respond.profile', value: 'normal' }],
        dryRun: true,
      })
      const headers = { 'content-type': 'application/json', 'x-gatehouse': '1' }
      return (await fetch('/api/v1/settings', { method: 'PATCH', headers, body })).status
    })
  expect(await status()).toBe(200)
  await expect.poll(status, { timeout: 60_000, interval: 1_000 }).toBe(403)

  await page.goto(new URL('/detectors', page.url()).href)
  await page.getByRole('button', { name: 'Paranoid' }).click()
  const dialog = page.getByRole('dialog', { name: 'Prove that it is you' })
  await dialog.getByLabel('Password').fill('not the one that was set')
  await page.keyboard.press('Enter')
  await dialog.getByRole('alert').waitFor()
  expect(config()).not.toContain('paranoid')
  await dialog.getByLabel('Password').fill(PASSWORD)
  await page.keyboard.press('Enter')
  await dialog.waitFor({ state: 'detached' }).catch(() => dialog.waitFor({ state: 'hidden' }))
  await page.locator('.toast', { hasText: 'respond.profile = "paranoid"' }).waitFor()
  expect(config()).toContain('profile: paranoid')
  await page.context().close()
})
