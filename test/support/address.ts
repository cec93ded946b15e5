import type { Page } from 'playwright-core'
import { expect } from 'vitest'

/** Waits until the address of the page has this value, or lacks it (`null`): the browser tells of a new one a moment after. */
export async function addressSays(page: Page, name: string, value: string | null): Promise<void> {
  await expect.poll(() => new URL(page.url()).searchParams.get(name), { message: name }).toBe(value)
}

/** Presses `g` and this key, and waits for the screen that it leads to: until then other keys are nobody's. */
export async function goByKey(page: Page, key: string, title: string): Promise<void> {
  await page.keyboard.press('g')
  await page.keyboard.press(key)
  await page.getByRole('heading', { level: 1, name: title }).waitFor()
}
