import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { faultsInThemes } from '../support/axe.ts'
import { testWith } from '../support/needs.ts'
import { goTo, openWorld, shoot, sidewaysOf } from '../support/page-world.ts'
import type { RealPage } from '../support/real-page.ts'
import { settled } from '../support/settled.ts'

const test = testWith('root', 'ip', 'nft', 'chromium')

const THEMES = ['dark', 'light', 'contrast', 'contrast-light'] as const
const PHONE = { width: 360, height: 780 }
/** Room for the widest word of a screen, and no more: nothing may be scrolled to sideways. */
const SLACK_PIXELS = 1

const RULES = `# The rules of this house.
defaults: { inbound: deny, outbound: allow }
lists:
  office: [192.0.2.0/24]
rules:
  # The office may sign in.
  - { id: office, action: allow, direction: inbound, protocol: tcp, port: 22, from: office, comment: Sign-in from the office }
  - { id: web, action: allow, direction: inbound, protocol: tcp, port: [80, 443], comment: The web site }  # since 2019
  - { id: web-again, action: allow, direction: inbound, protocol: tcp, port: 443 }
  - { action: limit, direction: inbound, protocol: tcp, port: 25, limit: { rate: 6/30s, per: source } }
  - { action: deny, direction: outbound, user: nobody, port: { not: [53, 443] }, comment: No calls home, expires: "2036-01-01T00:00" }
  - { action: deny, from: office, audit: true, comment: Would the office miss it? }
`

const PLACES = {
  rules: '/rules',
  'rules-text': '/rules?as=text',
  'rules-diff': '/rules?as=diff',
  lists: '/lists',
  'lists-one': '/lists/feodo',
  detectors: '/detectors',
  'detectors-one': '/detectors/port-scan',
  settings: '/settings/store',
} as const

describe('the screens of policy', () => {
  let real: RealPage

  beforeAll(async () => {
    const config = 'respond:\n  blockSeconds: 900 # a quarter of an hour\n'
    ;({ real } = await openWorld({ config, rules: RULES }))
  })
  afterAll(async () => {
    await real?.remove()
  })

  /** A draft with each kind of change, a setting that waits, and a change that waits to be confirmed. */
  async function stir(page: Page): Promise<void> {
    await page.evaluate(async () => {
      const send = (method: string, path: string, body: unknown) =>
        fetch(`/api/v1/${path}`, {
          method,
          headers: { 'content-type': 'application/json', 'x-gatehouse': '1' },
          body: JSON.stringify(body),
        })
      await send('PATCH', 'settings', { changes: [{ setting: 'store.flowsDays', value: 9 }] })
      await send('POST', 'rules/edit', {
        edits: [
          { kind: 'move', number: 2, to: 1 },
          { kind: 'remove', number: 5 },
          {
            kind: 'add',
            rule: { action: 'deny', direction: 'inbound', protocol: 'tcp', port: 23, comment: 'No telnet' },
          },
        ],
      })
    })
  }

  test('are free of serious faults of accessibility in each theme, with all that can wait on them', async () => {
    const { page, wrongs } = await real.signIn()
    await stir(page)
    const faults: string[] = []
    const look = async (name: string): Promise<void> => {
      const found = await faultsInThemes(page, THEMES, (theme) => shoot(page, `policy-${name}-${theme}`))
      faults.push(...found.map((fault) => `${name} ${fault}`))
    }
    for (const [name, path] of Object.entries(PLACES)) {
      await goTo(page, path)
      await look(name)
    }
    await goTo(page, '/rules')
    await page.getByRole('button', { name: 'Simulation' }).click()
    await page.getByText('Checked: The draft').waitFor()
    await look('rules-checked')
    await page.getByRole('button', { name: /Apply, then confirm/ }).click()
    await page.getByText('Is everything still working?').waitFor()
    await look('rules-confirm')
    await page.getByRole('button', { name: 'Go back now' }).click()
    await page.getByText('Is everything still working?').waitFor({ state: 'detached' })
    expect(faults).toEqual([])
    expect(wrongs).toEqual([])
    await page.context().close()
  }, 240_000)

  test('fit a telephone of 360 pixels, with nothing to scroll to sideways', async () => {
    const { page, wrongs } = await real.signIn(PHONE)
    const wide: string[] = []
    for (const [name, path] of Object.entries(PLACES)) {
      await goTo(page, path)
      await settled(page)
      await shoot(page, `policy-${name}-360`)
      if ((await sidewaysOf(page)) > SLACK_PIXELS) wide.push(name)
    }
    expect(wide).toEqual([])
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('say to a viewer that looking is all, and refuse what is tried all the same', async () => {
    real.gatehouse('user', 'add', 'vera', '--role', 'viewer')
    const link = /http:\/\/\S+/.exec(real.gatehouse('login', '--account', 'vera'))?.[0]
    expect(link).toBeDefined()
    const page = await (await real.browser.newContext()).newPage()
    await page.goto(link ?? '')
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    for (const path of ['/rules', '/lists', '/detectors', '/settings']) {
      await goTo(page, path)
      await page.locator('.note--info', { hasText: 'You can look but not change' }).waitFor()
    }
    await goTo(page, '/detectors')
    const mode = page.getByLabel('How far Port scan may go')
    expect(await mode.isDisabled()).toBe(true)
    // Whoever unlocks the control by hand hears the same from the core.
    await page.evaluate(`document.querySelector('[aria-label="How far Port scan may go"]').disabled = false`)
    await mode.selectOption('off')
    await page.locator('.toast', { hasText: /role viewer/ }).waitFor()
    await page.context().close()
  })
})
