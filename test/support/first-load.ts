import type { Browser, Page } from 'playwright-core'
import { type MainThread, traced } from './main-thread.ts'

/** What it took to open a page with nothing in the browser's cache. */
export interface FirstLoad {
  /** From the start of the navigation until a row was painted and a press of a key was answered. */
  readonly interactiveMs: number
  readonly requests: number
  /** Scripts and styles as they were sent, compressed. */
  readonly codeBytes: number
  /** All of it, with answers of the API. */
  readonly bytes: number
  readonly work: MainThread
}

interface Loaded {
  readonly at: number
  readonly resources: readonly { readonly kind: string; readonly bytes: number }[]
}

/** Opens a list at an address, in a browser profile that knows only the session of `signedIn`. */
export async function openFirst(browser: Browser, signedIn: Page, path: string): Promise<FirstLoad> {
  const context = await browser.newContext({ storageState: await signedIn.context().storageState() })
  const page = await context.newPage()
  await page.addInitScript(PRESS_WHEN_PAINTED)
  const [{ at, resources }, work] = await traced(page, async () => {
    await page.goto(new URL(path, signedIn.url()).href, { waitUntil: 'commit' })
    return page.evaluate<Loaded>('window.loaded')
  })
  await context.close()
  const sum = (some: Loaded['resources']): number => some.reduce((all, { bytes }) => all + bytes, 0)
  return {
    interactiveMs: at,
    requests: resources.length,
    codeBytes: sum(resources.filter(({ kind }) => kind === 'code')),
    bytes: sum(resources),
    work,
  }
}

/** Within the page: as soon as a row is painted a key is pressed, and when the cursor that it asks for is painted, all is there. */
const PRESS_WHEN_PAINTED = `
  const painted = (what, then) => requestAnimationFrame(() =>
    document.querySelector(what) ? requestAnimationFrame(then) : painted(what, then))
  window.loaded = new Promise((resolve) => painted('.row[aria-rowindex]', () => {
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true, cancelable: true }))
    painted('.row.is-cursor', () => {
      const at = performance.now()
      const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
      const resources = all.map(({ name, encodedBodySize: bytes }) => ({ kind: /\\.(js|css)$/.test(name) ? 'code' : 'other', bytes }))
      resolve({ at, resources })
    })
  }))
`
