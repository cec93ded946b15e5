import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { settled } from './settled.ts'

/** Rules that come out otherwise in another theme. */
const OF_COLOURS = ['color-contrast', 'link-in-text-block']

/** What axe calls serious or critical, one line each. `only`: by these rules. */
export async function faultsOf(page: Page, only?: readonly string[]): Promise<string[]> {
  const isThere = await page.evaluate('window.axe !== undefined')
  if (!isThere) await page.evaluate(axe.source)
  const options = { resultTypes: ['violations'], preload: false, ...(only && { runOnly: only }) }
  const found = await page.evaluate(
    `axe.run(document, ${JSON.stringify(options)}).then(({ violations }) => violations)`,
  )
  return (found as axe.Result[])
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id} ${nodes
          .slice(0, 3)
          .map(({ html }) => html.slice(0, 200))
          .join(' | ')}`,
    )
}

/**
 * The same in each theme, one after the other, without loading the page anew: what does not hang on colours is looked
 * at in the first. `shoot` is called when the theme is on and the page at rest.
 */
export async function faultsInThemes(
  page: Page,
  themes: readonly string[],
  shoot: (theme: string) => Promise<unknown>,
): Promise<string[]> {
  const faults: string[] = []
  for (const [at, theme] of themes.entries()) {
    await page.evaluate(`document.documentElement.dataset.theme = ${JSON.stringify(theme)}`)
    await settled(page)
    await shoot(theme)
    const found = await faultsOf(page, at === 0 ? undefined : OF_COLOURS)
    faults.push(...found.map((fault) => `${theme}: ${fault}`))
  }
  return faults
}
