import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { de } from '../../web/src/text/de.ts'
import { decoys } from '../../web/src/text/de-decoys.ts'
import { en } from '../../web/src/text/en.ts'
import { decoys as englishDecoys } from '../../web/src/text/en-decoys.ts'
import { testWith } from '../support/needs.ts'
import { type RealPage, startRealPage } from '../support/real-page.ts'
import { settled } from '../support/settled.ts'
import { ABROAD, layAbroad, listen, talk } from '../support/talkers.ts'

const test = testWith('root', 'ip', 'nft', 'chromium')

const SHOTS = 'coverage/screens'
const DESK = { width: 1440, height: 900 }
const PHONE = { width: 360, height: 780 }
const SLACK_PIXELS = 1

const SCREENS: Readonly<Record<string, string>> = {
  now: '/',
  connections: '/connections',
  'connections-flat': '/connections?view=flat',
  'connections-past': '/connections?when=past',
  programs: '/programs',
  'programs-day': '/programs?period=day',
  'programs-one': '/programs?sel=larkmail',
  hosts: '/hosts',
  'hosts-one': `/hosts?sel=${ABROAD.JP}`,
  timeline: '/timeline',
  map: '/map',
  graph: '/graph',
  'graph-table': '/graph?as=table',
  alerts: '/alerts',
  blocks: '/blocks',
  rules: '/rules',
  'rules-text': '/rules?as=text',
  'rules-diff': '/rules?as=diff',
  'rules-versions': '/rules?as=versions',
  'rules-new': '/rules?new=connection&direction=outbound&to=203.0.113.7&protocol=tcp&port=6667',
  lists: '/lists',
  'lists-one': '/lists/feodo?q=203.0.113.9',
  detectors: '/detectors',
  'detectors-one': '/detectors/port-scan',
  decoys: '/decoys',
  decisions: '/decisions',
  settings: '/settings/store',
  accounts: '/accounts',
  doctor: '/doctor',
  lost: '/no-such-page',
}

/** Stands for what a sentence is made with. */
const HOLE = '⟦⟧'
const HOLES = /⟦⟧|NaN|\d+/

function* leavesOf(words: object): Generator<unknown> {
  for (const value of Object.values(words)) {
    if (typeof value === 'object') yield* leavesOf(value)
    else yield value
  }
}

/** What stays the same of each sentence, whatever is put into it. */
const fixedParts = (words: object): Set<string> =>
  new Set(
    [...leavesOf(words)]
      .flatMap((leaf) =>
        typeof leaf === 'function' ? String(leaf(HOLE, HOLE, HOLE)).split(HOLES) : [String(leaf)],
      )
      .map((part) => part.trim()),
  )

const german = fixedParts({ de, decoys })
const english = [...fixedParts({ en, englishDecoys })].filter(
  (part) => /\p{L}{2}/u.test(part) && !german.has(part),
)
/** One or two words count only where they stand alone: they may be part of what the daemon says. */
const phrases = english.filter((part) => /\p{L}+ \p{L}+ \p{L}+/u.test(part))
const alone = new Set(english)

/** All that can be read on the page: texts, and what stands in attributes. */
const TEXTS = `(() => {
  const texts = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const { parentElement, data } = walker.currentNode
    if (parentElement && !parentElement.closest('script, noscript, [lang=en]') && parentElement.checkVisibility()) texts.push(data)
  }
  for (const name of ['title', 'aria-label', 'placeholder', 'aria-valuetext']) {
    for (const one of document.querySelectorAll('[' + name + ']')) {
      if (!one.closest('[lang=en]')) texts.push(one.getAttribute(name))
    }
  }
  return texts.map((text) => text.trim()).filter(Boolean)
})()`

const SIDEWAYS = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'

describe('the page in German', () => {
  let real: RealPage

  beforeAll(async () => {
    real = await startRealPage()
    const { server, client } = real.wire
    layAbroad(real.wire)
    const port = await listen(client)
    for (const program of ['larkmail', 'tidesync']) {
      talk(server, real.folder, port, { program, to: Object.values(ABROAD), bytesEach: 9_000 })
    }
    mkdirSync(SHOTS, { recursive: true })
  })
  afterAll(async () => {
    await real?.remove()
  })

  async function open(viewport: { width: number; height: number }, locale: string): Promise<Page> {
    const page = await (await real.browser.newContext({ viewport, locale })).newPage()
    await page.goto(real.freshLink())
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    return page
  }
  const go = async (page: Page, path: string): Promise<void> => {
    await page.goto(new URL(path, page.url()).href)
    await page.getByRole('heading').first().waitFor()
    await page.locator('.status--watch').waitFor({ state: 'detached' })
    await page.locator('[aria-busy=true]').waitFor({ state: 'detached' })
  }
  async function stir(page: Page): Promise<void> {
    await page.evaluate(async () => {
      const send = (path: string, body: unknown) =>
        fetch(`/api/v1/${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-gatehouse': '1' },
          body: JSON.stringify(body),
        })
      await send('blocks', { target: '198.51.100.0/24', reason: 'Zur Probe' })
      const rule = { action: 'deny', direction: 'inbound', protocol: 'tcp', port: 23, comment: 'Kein Telnet' }
      await send('rules/edit', { edits: [{ kind: 'add', rule }] })
    })
  }

  /** What is wrong with the screen that is open. */
  async function faultsOf(page: Page): Promise<string[]> {
    const texts = (await page.evaluate(TEXTS)) as string[]
    const sideways = Number(await page.evaluate(SIDEWAYS))
    return [
      ...texts.flatMap((text) => {
        const found = alone.has(text) ? text : phrases.find((phrase) => text.includes(phrase))
        return found === undefined ? [] : [`"${found}" in "${text}"`]
      }),
      ...(sideways > SLACK_PIXELS ? [`${sideways} pixels too wide`] : []),
    ]
  }

  test.each([
    ['desk', DESK],
    ['telephone', PHONE],
  ] as const)(
    'shows no English of the catalogue on any screen and fits, on a %s',
    async (size, viewport) => {
      const page = await open(viewport, 'de-DE')
      expect(await page.locator('html').getAttribute('lang')).toBe('de')
      if (viewport === DESK) await stir(page)
      const faults: string[] = []
      const look = async (name: string): Promise<void> => {
        await settled(page)
        await page.screenshot({ path: join(SHOTS, `german-${name}-${size}.png`) })
        faults.push(...(await faultsOf(page)).map((fault) => `${name}: ${fault}`))
      }
      for (const [name, path] of Object.entries(SCREENS)) {
        await go(page, path)
        await look(name)
      }
      await go(page, '/blocks')
      await page.keyboard.press('n')
      await page.getByRole('dialog').getByText(de.blocks.form.lede).waitFor()
      await look('block-form')
      await page.keyboard.press('Escape')
      await page.locator('dialog[open]').waitFor({ state: 'detached' })
      await page.keyboard.press('?')
      await page.getByRole('heading', { name: de.keys.title }).waitFor()
      await look('keys')
      await page.context().clearCookies()
      await page.reload()
      await page.getByRole('heading', { name: de.login.title }).waitFor()
      await look('login')
      await page.context().close()
      expect(faults).toEqual([])
    },
    240_000,
  )

  test('is chosen by the browser, changed in the menu of the look, and kept', async () => {
    const page = await open(DESK, 'de-AT')
    const fetched: string[] = []
    page.on('request', (request) => fetched.push(request.url()))
    await page.getByRole('button', { name: de.look.title, exact: true }).click()
    await page.screenshot({ path: join(SHOTS, 'german-look.png') })
    await page.getByRole('menuitemradio', { name: 'English' }).click()
    await page.getByRole('link', { name: en.connections.title }).first().waitFor()
    expect(await page.locator('html').getAttribute('lang')).toBe('en')
    // Only the catalogue that is read is loaded.
    expect(
      fetched
        .filter((url) => url.includes('/assets/text-'))
        .map((url) => url.slice(url.indexOf('text-'), -12)),
    ).toEqual([expect.stringMatching(/^text-en/)])
    await page.reload()
    await page.getByRole('link', { name: en.connections.title }).first().waitFor()
    await page.getByRole('button', { name: en.look.title, exact: true }).click()
    await page.getByRole('menuitemradio', { name: en.look.asBrowser }).last().click()
    await page.getByRole('link', { name: de.connections.title }).first().waitFor()
    await page.context().close()
  })
})
