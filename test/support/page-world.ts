import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import type { Wire } from './namespaces.ts'
import { type OwnFiles, type RealPage, startRealPage } from './real-page.ts'
import { layAbroad, listen, type Talk, talk } from './talkers.ts'

/** Kept by CI beside the coverage: what a reader of a change looks at. */
const SHOTS = 'coverage/screens'

interface Wanted extends OwnFiles {
  /** Programs of the server that go on talking to the client, which has addresses in several countries. */
  readonly talks?: (wire: Wire) => readonly Talk[]
}

/** A real page, and who talks on its machine. */
export interface PageWorld {
  readonly real: RealPage
  /** Where the client listens. */
  readonly port: number
  /** By the name of the program. */
  readonly talkers: Readonly<Record<string, ReturnType<typeof talk>>>
}

/** Opens the world that tests of screens look at. Removing the real page is the caller's. */
export async function openWorld({ talks, ...files }: Wanted = {}): Promise<PageWorld> {
  mkdirSync(SHOTS, { recursive: true })
  const real = await startRealPage(files)
  const { client, server } = real.wire
  layAbroad(real.wire)
  const port = await listen(client)
  const all = talks?.(real.wire) ?? []
  const talkers = Object.fromEntries(
    all.map((about) => [about.program, talk(server, real.folder, port, about)]),
  )
  return { real, port, talkers }
}

/** Opens a screen, and waits until it shows what the daemon tells. */
export async function goTo(page: Page, path: string): Promise<void> {
  await page.goto(new URL(path, page.url()).href)
  await page.getByRole('heading', { level: 1 }).first().waitFor()
  await page.locator('.status--watch').waitFor({ state: 'detached' })
  await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' })
  await page.getByText('Loading', { exact: true }).first().waitFor({ state: 'detached' })
}

export const shoot = (page: Page, name: string): Promise<unknown> =>
  page.screenshot({ path: join(SHOTS, `${name}.png`) })

/** How far it scrolls sideways, in pixels: nothing should. */
export const sidewaysOf = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')

/** Blocks as the page does; answers the status of the answer. */
export const blockByApi = (page: Page, target: string, reason?: string): Promise<number> =>
  page.evaluate(
    async (request) => {
      const headers = { 'content-type': 'application/json', 'x-gatehouse': '1' }
      const body = JSON.stringify(request)
      return (await fetch('/api/v1/blocks', { method: 'POST', headers, body })).status
    },
    { target, reason },
  )
