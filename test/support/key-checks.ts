import type { Page } from 'playwright-core'
import { expect } from 'vitest'

/** What a key does, looked at on the page. It is pressed by the check itself. */
export type Check = (page: Page) => Promise<void>

export const press = async (page: Page, ...keys: readonly string[]): Promise<void> => {
  for (const key of keys) await page.keyboard.press(key)
}
export const query = (page: Page, name: string): string | null => new URL(page.url()).searchParams.get(name)
export const cursor = (page: Page): Promise<string> =>
  page.evaluate(`document.querySelector('main .row.is-cursor')?.textContent ?? ''`)
export const closeDialog = async (page: Page): Promise<void> => {
  await press(page, 'Escape')
  await page.locator('dialog[open]').waitFor({ state: 'detached' })
}
export const isAt = (page: Page, path: string): Promise<unknown> =>
  expect.poll(() => new URL(page.url()).pathname).toBe(path)

/** The cursor goes there, and elsewhere again. */
export const moves: Check = async (page) => {
  await press(page, 'j')
  await expect.poll(() => cursor(page)).not.toBe('')
  const first = await cursor(page)
  await press(page, 'j')
  await expect.poll(() => cursor(page)).not.toBe(first)
}
export const movesBack: Check = async (page) => {
  await press(page, 'j', 'j')
  await expect.poll(() => cursor(page)).not.toBe('')
  const second = await cursor(page)
  await press(page, 'k')
  await expect.poll(() => cursor(page)).not.toBe(second)
}
export const letsGo: Check = async (page) => {
  await press(page, 'j')
  await expect.poll(() => cursor(page)).not.toBe('')
  await press(page, 'Escape')
  await expect.poll(() => cursor(page)).toBe('')
}
export const opensInspector: Check = async (page) => {
  await press(page, 'j', 'Enter')
  await page.getByLabel('Inspector').waitFor()
  await press(page, 'Escape')
  await page.getByLabel('Inspector').waitFor({ state: 'detached' })
}
export const opensDialog =
  (key: string): Check =>
  async (page) => {
    await press(page, key)
    await page.locator('dialog[open]').waitFor()
    await closeDialog(page)
  }
export const turnsTable: Check = async (page) => {
  await press(page, 'Shift+T')
  await expect.poll(() => query(page, 'as')).toBe('table')
  await press(page, 'Shift+T')
  await expect.poll(() => query(page, 'as')).toBe(null)
}
