import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { startRealPage } from '../test/support/real-page.ts'
import { printBench, type Row } from './bench.ts'
import { build } from './history-database.ts'

export const title = 'History on the page: from Enter to the first rows painted'

/** A state folder with a long history, which is written to, so give it a copy; without it one of so many flows is made. */
const STATE = process.env['GATEHOUSE_BENCH_STATE']
const FLOWS = Number(process.env['GATEHOUSE_BENCH_FLOWS'] ?? 200_000)
const AGAIN = 3
const KEEPS_ALL = 'store:\n  flowsDays: 3650\n  maxMegabytes: 100000\n'

/** Of each kind of bench/history.ts: common values, rare ones, none at all. */
const QUERIES = [
  ...[
    'app:curl',
    'app:needle',
    'app:absent',
    'peer:203.0.113.78',
    'peer:2001:db8:77::/48',
    'port:443',
    'port:64999',
  ],
  ...[
    'country:DE',
    'country:AQ',
    'name:*.example.com',
    'name:*needle*',
    'name:absent',
    'user:anna',
    'needle',
  ],
  ...['is:unknown', 'is:blocked', 'bytes:>100G', 'rtt:>30000', 'until:29d', '-proto:tcp -proto:udp'],
  ...['app:curl country:DE port:443', 'user:anna name:*7.example.com port:53', 'app:curl iface:needle0'],
]

export async function run(): Promise<readonly Row[]> {
  const made = STATE === undefined ? mkdtempSync(join(tmpdir(), 'gatehouse-page-history-')) : undefined
  if (made !== undefined) build(made, FLOWS)
  const stateFolder = STATE ?? made ?? ''
  const real = await startRealPage({ config: KEEPS_ALL, stateFolder })
  try {
    const { page } = await real.signIn()
    await page.addInitScript(COUNT_QUESTIONS)
    const rows: Row[] = []
    for (const query of QUERIES) rows.push(...(await measureSearch(page, stateFolder, query)))
    return [...rows, slowestOf(rows)]
  } finally {
    await real.remove()
    if (made !== undefined) rmSync(made, { recursive: true, force: true })
  }
}

interface Timing {
  readonly paintedMs: number
  /** Of it, from the question to the answer decoded. */
  readonly answeredMs: number
  readonly questions: number
  readonly rows: number
}

/** Once with a file that the kernel forgot, then a few times more; each time on a page that was opened anew. */
async function measureSearch(page: Page, stateFolder: string, query: string): Promise<Row[]> {
  const first = await measure(page, query, () => forgetPages(stateFolder))
  const again: Timing[] = []
  while (again.length < AGAIN) again.push(await measure(page, query))
  const row = (when: string, ms: number, { answeredMs, questions, rows }: Timing): Row => ({
    what: `${query} (${when})`,
    who: 'gatehouse',
    value: ms,
    unit: 'ms',
    better: 'less',
    note: `answer ${answeredMs.toFixed(0)} ms, ${questions} asked, ${rows} rows, load ${loadavg()[0]?.toFixed(1)}`,
  })
  // The least of several is what the page needs; the others tell what else the machine did.
  const fastest = again.reduce((a, b) => (b.paintedMs < a.paintedMs ? b : a))
  return [row('cold', first.paintedMs, first), row('warm', fastest.paintedMs, fastest)]
}

async function measure(page: Page, query: string, before?: () => void): Promise<Timing> {
  await page.goto(new URL('/connections?when=past', page.url()).href)
  await page.locator('.row[aria-rowindex]').first().waitFor()
  await page.keyboard.press('/')
  before?.()
  await page.keyboard.insertText(query)
  await page.keyboard.press('Enter')
  return page.evaluate<Timing>(FROM_ENTER)
}

/** Within the page, from its start: when Enter was pressed, and the questions about flows with their answers. */
const COUNT_QUESTIONS = `{
  addEventListener('keydown', ({ key }) => { if (key === 'Enter') window.pressedAt = performance.now() }, true)
  const ask = window.fetch
  window.asked = { open: 0, all: 0, sentAt: 0, answeredAt: 0 }
  window.fetch = async (url, ...more) => {
    if (!String(url).includes('/flows?') || !String(url).includes('q=')) return ask(url, ...more)
    const { asked } = window
    asked.open++
    asked.all++
    asked.sentAt ||= performance.now()
    const answer = await ask(url, ...more)
    const decode = answer.json.bind(answer)
    answer.json = () => decode().finally(() => { asked.open--; asked.answeredAt = performance.now() })
    return answer
  }
}`

/** Within the page: from the press of Enter until rows, or the words that there are none, were painted. */
const FROM_ENTER = `new Promise((resolve) => {
  const { asked, pressedAt } = window
  const look = () => {
    const isShown = document.querySelector('.past .row[aria-rowindex], .past .empty')
    const isOver = asked.all > 0 && asked.open === 0
    const isReading = document.querySelector('.tfoot')?.textContent.includes('Reading')
    if (!isOver || isReading || !isShown) requestAnimationFrame(look)
    // What this frame holds is painted when the next one begins.
    else requestAnimationFrame(() => resolve({
      paintedMs: performance.now() - pressedAt,
      answeredMs: asked.answeredAt - asked.sentAt,
      questions: asked.all,
      rows: document.querySelectorAll('.past .row[aria-rowindex]').length,
    }))
  }
  requestAnimationFrame(look)
})`

function slowestOf(rows: readonly Row[]): Row {
  const slowest = rows.reduce((a, b) => (b.value > a.value ? b : a))
  return { ...slowest, what: 'the slowest', note: `${slowest.what}; ${slowest.note}` }
}

/** The kernel forgets this file's pages, and nobody else's. */
function forgetPages(folder: string): void {
  const file = join(folder, 'gatehouse.db')
  execFileSync('dd', [`of=${file}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none'])
}

if (import.meta.main) await printBench({ title, run })
