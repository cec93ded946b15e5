import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { faultsInThemes } from '../support/axe.ts'
import { testWith } from '../support/needs.ts'
import { blockByApi, goTo, openWorld, shoot, sidewaysOf } from '../support/page-world.ts'
import type { RealPage } from '../support/real-page.ts'
import { settled } from '../support/settled.ts'
import { ABROAD } from '../support/talkers.ts'

const test = testWith('root', 'ip', 'nft', 'chromium')

/** A name from outside may try markup, ANSI colours, a reversal that forges the ending, and sheer length. */
const HOSTILE = '<img src=x onerror=hit()>\u001b[31m\u202Egpj.sh'
const LONG = `${HOSTILE} ${'W'.repeat(150)}`
const BLOCKED = '198.51.100.0/24'

const SCREENS = [
  '/',
  '/connections',
  '/connections?view=host',
  '/connections?view=flat',
  '/connections?when=past',
  '/programs',
  '/hosts',
  '/map',
  '/graph',
  '/graph?as=table',
  '/timeline?span=hour',
  '/timeline?span=hour&as=table',
  '/alerts',
  '/rules',
  '/rules?as=text',
  '/blocks',
  '/lists',
  '/decisions',
  '/detectors',
  '/decoys',
  '/settings',
  '/doctor',
] as const

const nameOf = (path: string): string => path.replaceAll(/[^a-z]+/g, '-').replaceAll(/^-|-$/g, '') || 'now'

describe('every screen', () => {
  let real: RealPage

  beforeAll(async () => {
    const world = await openWorld({
      talks: () => [{ program: 'larkmail', to: Object.values(ABROAD), bytesEach: 6_000 }],
    })
    real = world.real
    const { server, client } = real.wire
    const hostile = join(real.folder, HOSTILE)
    copyFileSync('/bin/bash', hostile)
    server.start(hostile, '-c', `exec 3<>/dev/tcp/${client.ip4}/${world.port}; read -r -t 600 _ <&3`, LONG)
  })

  afterAll(async () => {
    await real?.remove()
  })

  /** Blocks something for a reason as hostile as a name may be: it shows among blocks and decisions. */
  const blockWithReason = (page: Page) => blockByApi(page, BLOCKED, LONG.slice(0, 200))

  test('with an inspector open it is free of serious faults in both high-contrast themes', async () => {
    const { page, wrongs } = await real.signIn()
    await blockWithReason(page)
    const faults: string[] = []
    for (const path of SCREENS) {
      await goTo(page, path)
      if (/^\/(connections|programs|hosts)/.test(path)) {
        await page.locator('.row[aria-rowindex]').first().click()
        await page.keyboard.press('Enter')
        await page.getByLabel('Inspector').waitFor()
      }
      const found = await faultsInThemes(page, ['contrast', 'contrast-light'], (theme) =>
        shoot(page, `${nameOf(path)}-${theme}`),
      )
      faults.push(...found.map((fault) => `${path} ${fault}`))
    }
    expect(faults).toEqual([])
    expect(wrongs).toEqual([])
    await page.context().close()
  }, 300_000)

  /** A screen at one size: its picture, and where it is wider than the window. */
  async function widthFaults(page: Page, path: string, size: string): Promise<string[]> {
    await goTo(page, path)
    await settled(page)
    await shoot(page, `${nameOf(path)}-${size}`)
    const wide = (await sidewaysOf(page)) > 0 ? [`${path} ${size}`] : []
    if (!/^\/(programs|hosts)/.test(path)) return wide
    await page.locator('.row[aria-rowindex]').first().click()
    await page.getByLabel('Inspector').waitFor()
    await shoot(page, `${nameOf(path)}-inspector-${size}`)
    return (await sidewaysOf(page)) > 0 ? [...wide, `${path} inspector ${size}`] : wide
  }

  test('it fits a telephone of 360 pixels and a zoom of 200 %, with an inspector open too', async () => {
    const { page, wrongs } = await real.signIn({ width: 360, height: 780 })
    await blockWithReason(page)
    const wide: string[] = []
    const sizes = { 360: { width: 360, height: 780 }, 'zoom-200': { width: 720, height: 450 } } as const
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.setViewportSize(viewport)
      for (const path of SCREENS) wide.push(...(await widthFaults(page, path, size)))
    }
    expect(wide).toEqual([])
    expect(wrongs).toEqual([])
    await page.context().close()
  }, 300_000)

  test('what hostile names hold is text on each of them, and breaks no layout', async () => {
    const { page, wrongs } = await real.signIn()
    await blockWithReason(page)
    const broken: string[] = []
    for (const path of SCREENS) {
      await goTo(page, path)
      await page.evaluate('window.hits = 0; window.hit = () => window.hits++')
      await settled(page)
      const found = (await page.evaluate(
        `({
          hits: window.hits,
          images: document.querySelectorAll('main img, main script').length,
          unseen: /[\\u001b\\u202e]/.test(document.body.innerText),
          wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        })`,
      )) as { hits: number; images: number; unseen: boolean; wide: number }
      if (found.hits > 0 || found.images > 0 || found.unseen || found.wide > 0)
        broken.push(`${path} ${JSON.stringify(found)}`)
    }
    expect(broken).toEqual([])
    // It was there to be seen.
    await goTo(page, '/programs')
    await page.getByText('⟨U+202E⟩gpj').first().waitFor()
    await goTo(page, '/timeline?span=hour')
    await page.getByText('⟨U+202E⟩gpj').first().waitFor()
    expect(wrongs).toEqual([])
    await page.context().close()
  }, 240_000)
})
