import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseSearch } from '#contract/search/parse.ts'
import type { Graph } from '#contract/views.ts'
import { createCallHomeBook } from '#core/call-home.ts'
import { createLiveConnections } from '#core/live-connections.ts'
import { shownAlert } from '#core/port.ts'
import { shownConnection } from '#core/present.ts'
import { createViews } from '#core/views.ts'
import { createPrograms } from '#identify/programs/programs.ts'
import { storeSettings } from '#store/settings.ts'
import { openStore } from '#store/thread.ts'
import { median, printBench, type Row } from './bench.ts'
import { createRandom, flowOf } from './history-flows.ts'
import { watchTurns } from './turns.ts'

const OPEN = 30_000
const PAST = 20_000
const ROUNDS = 15
const HOUR_MS = 3_600_000

export const title = `The graph of ${OPEN.toLocaleString('en')} open connections and ${PAST.toLocaleString('en')} of the past: the longest turn of the event loop, in CPU time of its thread`

export async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gh-bench-graph-'))
  const now = Date.now()
  const random = createRandom(7)
  const store = await openStore({ folder, settings: storeSettings.parse({}), now: () => now })
  try {
    const past = Array.from({ length: PAST }, (_, id) => flowOf(id + 1, now - HOUR_MS + id, random))
    store.recordFlows(past)
    const open = Array.from({ length: OPEN }, (_, at) => {
      const { ended, ...connection } = flowOf(PAST + at + 1, now - HOUR_MS + at * 100, random)
      return connection
    })
    const live = createLiveConnections()
    live.see(open, now)
    const callHomes = createCallHomeBook()
    callHomes.see(past)
    const views = createViews({
      programs: createPrograms({ clock: () => performance.now(), packages: [] }),
      ...{ live, store, callHomes },
      gate: { blockOf: () => undefined, blocks: () => [] },
      now: () => now,
      show: (connection) => shownConnection(connection, () => undefined),
      showAlert: shownAlert,
    })
    const found = parseSearch('port:443 -app:curl', now)
    if (found.state === 'error') throw new Error(found.error.message)
    const { search } = found
    return [
      ...(await measure('what is open now', () => views.graph({}))),
      ...(await measure('the last hour too', () => views.graph({ since: now - HOUR_MS }))),
      ...(await measure('the last hour, searched', () => views.graph({ since: now - HOUR_MS, search }))),
    ]
  } finally {
    await store.close()
    rmSync(folder, { recursive: true })
  }
}

/** With its text, as the API sends it. */
async function measure(what: string, draw: () => Promise<Graph>): Promise<Row[]> {
  const [turns, times]: [number[], number[]] = [[], []]
  let bytes = 0
  for (let round = 0; round < ROUNDS; round++) {
    const watched = watchTurns()
    const startedAt = performance.now()
    bytes = JSON.stringify(await draw()).length
    times.push(performance.now() - startedAt)
    turns.push(await watched.longestMs())
  }
  const note = `the first ${turns[0]?.toFixed(1)}, the worst of the others ${Math.max(...turns.slice(1)).toFixed(1)}`
  const row = (name: string, value: number, more: string): Row => ({
    ...{ what: `${what}: ${name}`, who: 'gatehouse', value, unit: 'ms', better: 'less', note: more },
  })
  return [
    row('longest turn', median(turns), note),
    row('until it is there', median(times), `${Math.round(bytes / 1_000)} kB`),
  ]
}

if (import.meta.main) await printBench({ title, run })
