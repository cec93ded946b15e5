import type { Page } from 'playwright-core'

/** Runs within the page. A screen that changes for ever, such as one with a clock, is waited for only so long. */
const REST = `(async () => {
  const [quietMs, withinMs] = [120, 3_000]
  const startedAt = performance.now()
  let changedAt = startedAt
  const observer = new MutationObserver(() => { changedAt = performance.now() })
  const all = { subtree: true, childList: true, attributes: true, characterData: true }
  observer.observe(document.body, all)
  const fades = (one) => one.playState === 'running' && one.effect.getComputedTiming().endTime !== Infinity
  const isBusy = () =>
    document.querySelector('[aria-busy=true]') !== null ||
    document.getAnimations().some(fades) ||
    performance.now() - changedAt < quietMs
  do await new Promise((resolve) => setTimeout(resolve, 30))
  while (isBusy() && performance.now() - startedAt < withinMs)
  observer.disconnect()
})()`

/** Waits until the screen has come to rest: nothing loads, fades or is drawn anew for a moment. */
export async function settled(page: Page): Promise<void> {
  await page.evaluate(REST)
}
