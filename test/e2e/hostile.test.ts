import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { HOSTILE, HOSTILE_TEXT, makeHostile } from '../support/hostile-answers.ts'
import type { NameCallerSettings } from '../support/name-caller.ts'
import { testWith } from '../support/needs.ts'
import { type RealPage, startRealPage } from '../support/real-page.ts'
import { settled } from '../support/settled.ts'
import { listen } from '../support/talkers.ts'

const test = testWith('root', 'ip', 'nft', 'chromium')

const SHOTS = 'coverage/screens'
/** The longest name that a file may have, in bytes. */
const LONGEST_FILE_NAME = 255
/** The longest name that DNS knows, and so TLS. */
const LONGEST_HOST_NAME = `${'a'.repeat(60)}.`.repeat(4).slice(0, 240).concat('.example')

const MOST_REASON = 200

const RULES = `rules:
  - { id: web, action: allow, direction: inbound, protocol: tcp, port: 80, comment: The web site }
  - { id: ${'long-name-'.repeat(4)}x, action: deny, direction: outbound, domain: ${LONGEST_HOST_NAME} }
`

const SCREENS = [
  '/',
  '/connections',
  '/connections?view=host',
  '/connections?view=flat&sel=f:900001',
  '/connections?when=past',
  '/programs',
  '/hosts',
  '/hosts?sel=203.0.113.66',
  '/map',
  '/graph',
  '/graph?as=table',
  '/timeline?span=hour&as=table',
  '/alerts/900001',
  '/blocks',
  '/decisions',
  '/rules',
  '/rules?as=text',
  '/rules?as=versions',
  '/lists/feodo?q=203.0.113.66',
  '/detectors/port-scan',
  '/settings/respond',
  '/accounts',
  '/doctor',
]
const SIZES = {
  desk: { width: 1440, height: 900, tallestRow: 72 },
  telephone: { width: 360, height: 780, tallestRow: 150 },
} as const

/** Runs within the page: what is wrong with what is drawn now. */
const FAULTS = `((tallestRow) => {
  const unseen = /[\\u0000-\\u0008\\u000b-\\u001f\\u202a-\\u202e\\u2066-\\u2069]/
  const faults = []
  if (window.hits > 0) faults.push('it ran')
  if (document.querySelectorAll('#app main :is(img, script), main img, main script').length > 0) faults.push('it is markup')
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const { parentElement, data } = walker.currentNode
    // White space at the end of a template is no text of anybody.
    if (unseen.test(data.trim()) && parentElement.checkVisibility() && !parentElement.closest('textarea, script, style'))
      faults.push('hidden characters are in ' + parentElement.localName + '.' + parentElement.className + ' of ' + parentElement.parentElement.className)
  }
  for (const name of ['title', 'aria-label', 'placeholder'])
    for (const one of document.querySelectorAll('[' + name + ']'))
      if (unseen.test(one.getAttribute(name))) faults.push('hidden characters are in ' + name + ' of ' + one.className)
  const page = document.documentElement
  if (page.scrollWidth > page.clientWidth) faults.push('the page is ' + (page.scrollWidth - page.clientWidth) + ' too wide')
  for (const box of document.querySelectorAll('main .scroll, .inspector, main .page'))
    if (box.scrollWidth > box.clientWidth + 1) faults.push(box.className + ' is ' + (box.scrollWidth - box.clientWidth) + ' too wide')
  for (const row of document.querySelectorAll('main .row')) {
    const height = Math.round(row.getBoundingClientRect().height)
    if (height > tallestRow) faults.push('a row is ' + height + ' tall: ' + row.textContent.trim().slice(0, 40))
  }
  return [...new Set(faults)].slice(0, 6)
})`

describe('hostile content', () => {
  let real: RealPage

  beforeAll(async () => {
    real = await startRealPage({ rules: RULES })
    // The stream tells the blocks anew: this one is in it.
    const reason = HOSTILE.replaceAll('\u0000', '').padEnd(MOST_REASON, 'W')
    real.gatehouse('block', '198.51.100.66', '--reason', reason)
    mkdirSync(SHOTS, { recursive: true })
  })
  afterAll(async () => {
    await real?.remove()
  })

  const go = async (page: Page, path: string): Promise<void> => {
    await page.goto(new URL(path, page.url()).href)
    await page.getByRole('heading').first().waitFor()
    await page.locator('.status--watch').waitFor({ state: 'detached' })
    await settled(page)
  }

  test('from the wire and from files is text that shows what it hides', async () => {
    const { server, client } = real.wire
    const port = await listen(client)
    const file = HOSTILE.replaceAll('/', '|')
      .replaceAll('\u0000', '')
      .padEnd(LONGEST_FILE_NAME - 4, 'W')
    copyFileSync('/bin/bash', join(real.folder, file))
    const call = `exec 3<>/dev/tcp/${client.ip4}/${port}; read -r -t 600 _ <&3`
    server.start(join(real.folder, file), '-c', call, HOSTILE_TEXT.replaceAll('\u0000', ''))
    const speak = (settings: Omit<NameCallerSettings, 'port' | 'host'>): void => {
      const all = JSON.stringify({ port, host: client.ip4, ...settings })
      server.start(process.execPath, 'test/support/name-caller.ts', all)
    }
    speak({ tls: { name: LONGEST_HOST_NAME } })
    speak({ tls: { name: HOSTILE.replaceAll(/[^ -~]/g, '') } })
    speak({ http: HOSTILE.replaceAll('\n', '').replaceAll('\u0000', '') })

    const { page, wrongs } = await real.signIn()
    await page.evaluate('window.hits = 0; window.hit = () => window.hits++')
    await go(page, '/connections?view=flat')
    await page.getByText('⟨U+202E⟩gpj').first().waitFor()
    await page.getByText('a'.repeat(50)).first().waitFor()
    expect(await page.evaluate(`${FAULTS}(${SIZES.desk.tallestRow})`)).toEqual([])
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test.each(Object.entries(SIZES))(
    'of ten thousand characters in whatever the daemon tells runs nowhere and breaks no screen on a %s',
    async (size, { width, height, tallestRow }) => {
      const { page, wrongs } = await real.signIn({ width, height })
      await page.addInitScript('window.hits = 0; window.hit = () => window.hits++')
      await makeHostile(page)
      const faults: string[] = []
      for (const path of SCREENS) {
        await go(page, path)
        const name = path.replaceAll(/[^a-z]+/g, '-').replaceAll(/^-|-$/g, '') || 'now'
        await page.screenshot({ path: join(SHOTS, `hostile-${name}-${size}.png`) })
        const found = (await page.evaluate(`${FAULTS}(${tallestRow})`)) as string[]
        faults.push(...found.map((fault) => `${path}: ${fault}`))
      }
      // It was there to be seen.
      await go(page, '/blocks')
      await page.getByText('<img src=x onerror=hit()>').first().waitFor()
      expect(faults).toEqual([])
      expect(wrongs.filter((wrong) => !/status of 4\d\d/.test(wrong))).toEqual([])
      await page.context().close()
    },
    240_000,
  )
})
