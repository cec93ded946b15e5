import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { addressSays } from '../support/address.ts'
import { testWith } from '../support/needs.ts'
import { type RealPage, startRealPage } from '../support/real-page.ts'

const test = testWith('root', 'ip', 'nft', 'chromium')

const own = (count: number): string =>
  Array.from({ length: count }, (_, at) => `203.0.113.${at + 1}`)
    .join('\n')
    .concat('\n')

describe('threat lists on the page', () => {
  let real: RealPage
  let folder: string
  let file: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-lists-'))
    file = join(folder, 'bad.txt')
    writeFileSync(file, own(200))
    const list = `{ id: bad, title: "Bad <b>ones</b>", file: ${file}, format: plain, action: alert }`
    real = await startRealPage({ config: `intel:\n  lists:\n    - ${list} # ours\n`, rules: '' })
  })
  afterAll(async () => {
    await real?.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  test('an own list is in use, answers what holds an address, and a shrunken version waits for a person', async () => {
    const { page, wrongs } = await real.signIn()
    await page.keyboard.press('g')
    await page.keyboard.press('l')
    const row = page.getByRole('row', { name: /Bad <b>ones<\/b>/ })
    await row.getByText('Fresh').waitFor()
    await expect.poll(() => row.textContent()).toContain('200')
    await page.keyboard.press('/')
    await page.keyboard.type('203.0.113.7')
    await page.keyboard.press('Enter')
    const answer = page.getByRole('region', { name: 'About 203.0.113.7' })
    await answer.getByRole('link', { name: 'Bad <b>ones</b>' }).waitFor()
    await addressSays(page, 'q', '203.0.113.7')
    await answer.getByRole('button', { name: 'Close the answer' }).click()

    writeFileSync(file, own(20))
    await row.locator('.nm').click()
    const inspector = page.getByLabel('Inspector')
    await inspector.getByRole('button', { name: 'Fetch now', exact: true }).click()
    await inspector.getByText('A new version waits for you').waitFor()
    await inspector.getByText('20 entries in the new version.').waitFor()
    await page.getByRole('button', { name: /^Need you/ }).click()
    await expect.poll(() => page.getByRole('row').count()).toBe(2)
    await inspector.getByRole('button', { name: 'Use it' }).click()
    await page.getByText('No list needs you').waitFor()
    expect(JSON.parse(real.gatehouse('feeds', 'show', 'bad', '-o', 'json'))).toMatchObject({
      entries: 20,
      state: 'ok',
    })
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('a list of the catalogue is switched on, its action chosen, and all of it undone', async () => {
    const { page, wrongs } = await real.signIn()
    await page.goto(new URL('/lists', page.url()).href)
    const feed = () => JSON.parse(real.gatehouse('feeds', 'show', 'feodo', '-o', 'json'))
    await page.getByRole('switch', { name: 'Use abuse.ch Feodo Tracker' }).click()
    await expect.poll(feed).toMatchObject({ isOn: true, action: 'alert' })
    // There is no way out of this namespace: the list says why it is not there.
    await page
      .getByRole('row', { name: /Feodo/ })
      .getByText(/Failing|Waiting/)
      .waitFor()
    await page.getByLabel('What happens on a hit of abuse.ch Feodo Tracker').selectOption('block')
    await expect.poll(feed).toMatchObject({ action: 'block' })
    await page.locator('h1').click()
    await page.keyboard.press('u')
    await expect.poll(feed).toMatchObject({ action: 'alert' })
    await page.keyboard.press('u')
    await expect.poll(feed).toMatchObject({ isOn: false })
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('an own list is added to the config file beside the others, and says that it waits', async () => {
    const { page, wrongs } = await real.signIn()
    await page.goto(new URL('/lists', page.url()).href)
    await page.getByRole('row', { name: /Feodo/ }).waitFor()
    await page.keyboard.press('n')
    const form = page.getByRole('dialog')
    await form.getByLabel('Id').fill('Bad Id')
    await form.getByLabel('Where it is').fill('/tmp/more.txt')
    await form.getByRole('button', { name: 'Add the list' }).click()
    await form.getByRole('alert').filter({ hasText: 'Use lowercase letters' }).waitFor()
    await form.getByLabel('Id').fill('more')
    await form.getByRole('button', { name: 'Add the list' }).click()
    await page.locator('.toast', { hasText: 'takes effect when Gatehouse is started again' }).waitFor()
    const written = readFileSync(join(real.folder, 'config.yaml'), 'utf8')
    expect(written).toContain('id: bad')
    expect(written).toContain('id: more')
    expect(wrongs.filter((wrong) => !wrong.includes('400'))).toEqual([])
    await page.context().close()
  })
})
