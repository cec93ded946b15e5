import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadDaemonConfig } from '#core/daemon-config.ts'
import { pathsOf } from '#core/paths.ts'
import type { Alert } from '#model/alert.ts'
import type { Verdict } from '#model/verdict.ts'
import { openStore } from '#store/thread.ts'
import { printBench, type Row } from './bench.ts'
import { createCore, type MadeUpCore } from './benign/core.ts'
import { officeDay, STEP_MS, STEPS } from './benign/machine.ts'

export const title =
  'Two hours of generated benign traffic in `normal`, in each of six weeks: detectors, observers and response, time handed in'

const WEEKS = 6
const WEEK_MS = 7 * 86_400_000
const STEPS_PER_MINUTE = 60_000 / STEP_MS
const BEGINS = Date.UTC(2026, 0, 1)
/** What the store wrote in its thread is heard of before the clock goes on. */
const REST_MS = 20
/** Verdicts by which somebody would have been, or would be to be, shut out. */
const ACTIONS = ['block', 'limit', 'suggest', 'spare'] as const

interface Week {
  readonly alerts: readonly Alert[]
  readonly verdicts: readonly Verdict[]
  readonly counts: MadeUpCore['counts']
}

export async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-benign-'))
  try {
    const weeks: Week[] = []
    for (let week = 0; week < WEEKS; week++) weeks.push(await play(folder, week))
    for (const [week, { alerts }] of weeks.entries())
      for (const alert of alerts) console.log(lineOf(week, alert))
    return [...rowsOf('all six weeks', weeks), ...rowsOf('the last week, when all is known', weeks.slice(-1))]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A start of the core, with what it remembers of the weeks before. */
async function play(folder: string, week: number): Promise<Week> {
  const offset = week * WEEK_MS
  let now = BEGINS + offset
  const flags = { config: join(folder, 'none.yaml'), stateDir: folder }
  const config = await loadDaemonConfig({ stateDir: folder }, { ...pathsOf(flags), isConfigNamed: false })
  const store = await openStore({ folder: join(folder, 'store'), settings: config.store, now: () => now })
  const core = await createCore({ config, store, now: () => now, run: week })
  const clock = (at: number): number => {
    now = at + offset
    return now
  }
  const day = officeDay(
    {
      ...{ owner: core.owner, login: core.login },
      frame: (bytes, at) => core.frame(bytes, clock(at)),
      tick(at) {
        core.tick(clock(at))
        core.round()
      },
    },
    week + 1,
  )
  for (let step = 1; step <= STEPS; step++) {
    day.play(step)
    if (step % STEPS_PER_MINUTE > 0) continue
    core.minute()
    await sleep(REST_MS)
  }
  await store.close()
  return { alerts: [...core.alerts.values()], verdicts: core.verdicts, counts: core.counts }
}

function lineOf(week: number, { detector, kind, severity, times, summary, response }: Alert): string {
  return `  week ${week + 1}: ${detector} ${kind}, ${severity}, ${times}×: ${summary} | ${response}`
}

function rowsOf(what: string, weeks: readonly Week[]): Row[] {
  const sum = (of: (week: Week) => number): number => weeks.reduce((total, week) => total + of(week), 0)
  const row = (name: string, value: number, note: string): Row => ({
    ...{ what: `${what}: ${name}`, who: 'gatehouse', value, unit: '', note },
    better: 'less',
  })
  const verdicts = (action: string): number =>
    sum((week) => week.verdicts.filter((verdict) => verdict.action === action).length)
  const { packets, connections, owned, logins, habits, sightings } = {
    packets: sum(({ counts }) => counts.packets),
    connections: sum(({ counts }) => counts.connections),
    owned: sum(({ counts }) => counts.owned),
    logins: sum(({ counts }) => counts.logins),
    habits: Math.max(...weeks.map(({ counts }) => counts.habits)),
    sightings: sum(({ counts }) => counts.sightings),
  }
  const heard = `${connections} reports of flows (${owned} with their program), ${logins} log-ins, ${habits} habits, ${sightings} first sights`
  return [
    row('packets', packets, heard),
    ...ACTIONS.map((action) => row(`verdicts to ${action}`, verdicts(action), 'aim: 0')),
    row(
      'alerts',
      sum(({ alerts }) => alerts.length),
      'listed above',
    ),
  ]
}

if (import.meta.main) await printBench({ title, run })
