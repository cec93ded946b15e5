import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadDaemonConfig } from '#core/daemon-config.ts'
import { pathsOf } from '#core/paths.ts'
import type { Alert } from '#model/alert.ts'
import type { Decision } from '#model/decision.ts'
import type { Severity } from '#model/finding.ts'
import type { Verdict } from '#model/verdict.ts'
import { openStore } from '#store/thread.ts'
import { printBench, type Row } from './bench.ts'
import { createCore, type MadeUpCore } from './benign/core.ts'
import { type Hearing, officeDay, STEP_MS, STEPS } from './benign/machine.ts'
import { LISTED_ADDRESS, layLists } from './benign/threats.ts'
import { makeTrouble } from './benign/trouble.ts'

export const title =
  'Two hours of generated benign traffic in `normal`, in each of six weeks: detectors, observers, threat lists, shield and response, time handed in'

const WEEKS = 6
const WEEK_MS = 7 * 86_400_000
const STEPS_PER_MINUTE = 60_000 / STEP_MS
const BEGINS = Date.UTC(2026, 0, 1)
/** What the store wrote in its thread is heard of before the clock goes on. */
const REST_MS = 20
/** By other verdicts somebody is, or is to be, shut out or held back, or only the allow list is in between. */
const HARMLESS: readonly Verdict['action'][] = ['alert', 'record', 'ignore']
/** Nobody attacks: whoever such an alert names is blamed for nothing. Those below tell what was seen. */
const BLAMING: readonly Severity[] = ['medium', 'high', 'critical']

interface Week {
  readonly alerts: readonly Alert[]
  readonly verdicts: readonly Verdict[]
  readonly decisions: readonly Decision[]
  /** Why the shield had to stand somewhere. */
  readonly shielded: readonly string[]
  readonly counts: MadeUpCore['counts']
}

/** Exit code 1 unless nobody was blamed or acted against, and what must be heard after the last week was heard. */
export async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-benign-'))
  try {
    writeFileSync(join(folder, 'config.yaml'), layLists(join(folder, 'lists')))
    const weeks: Week[] = []
    let trouble: Week | undefined
    for (let week = 0; week < WEEKS; week++) {
      const core = await openWeek(folder, week)
      await playDay(core, week + 1)
      weeks.push(soFar(core))
      if (week === WEEKS - 1) trouble = await playTrouble(core)
      await core.stop()
    }
    for (const [week, { alerts }] of weeks.entries())
      for (const alert of alerts) console.log(lineOf(week, alert))
    const aims = aimsOf(weeks, trouble as Week)
    for (const { isMet, row } of aims) if (!isMet) console.log(`  NOT MET: ${row.what} is ${row.value}`)
    if (!aims.every(({ isMet }) => isMet)) process.exitCode = 1
    return [
      ...aims.map(({ row }) => row),
      ...countsOf('all six weeks', weeks),
      ...countsOf('the last week, when all is known', weeks.slice(-1)),
    ]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

type OpenWeek = MadeUpCore & { readonly hearing: Hearing }

/** A start of the core, with what it remembers of the weeks before. */
async function openWeek(folder: string, week: number): Promise<OpenWeek> {
  const offset = week * WEEK_MS
  let now = BEGINS + offset
  const flags = { config: join(folder, 'config.yaml'), stateDir: folder }
  const config = await loadDaemonConfig({ stateDir: folder }, { ...pathsOf(flags), isConfigNamed: true })
  const store = await openStore({ folder: join(folder, 'store'), settings: config.store, now: () => now })
  const core = await createCore({ config, store, now: () => now, run: week, stateFolder: folder })
  const clock = (at: number): number => {
    now = at + offset
    return now
  }
  return {
    ...core,
    async stop() {
      await core.stop()
      await store.close()
    },
    hearing: {
      ...{ owner: core.owner, login: core.login },
      frame: (bytes, at) => core.frame(bytes, clock(at)),
      tick(at) {
        core.tick(clock(at))
        core.round()
      },
    },
  }
}

async function playDay(core: OpenWeek, seed: number): Promise<void> {
  const day = officeDay(core.hearing, seed)
  for (let step = 1; step <= STEPS; step++) {
    day.play(step)
    if (step % STEPS_PER_MINUTE > 0) continue
    core.minute()
    await sleep(REST_MS)
  }
}

/** What came of it, and of nothing before. */
async function playTrouble(core: OpenWeek): Promise<Week> {
  const before = soFar(core)
  makeTrouble(core.hearing)
  await sleep(REST_MS)
  const after = soFar(core)
  return {
    ...after,
    alerts: after.alerts.filter(({ id }) => before.alerts.every((alert) => alert.id !== id)),
    decisions: after.decisions.slice(before.decisions.length),
    shielded: after.shielded.slice(before.shielded.length),
  }
}

const soFar = ({ alerts, verdicts, decisions, shielded, counts }: MadeUpCore): Week => ({
  alerts: [...alerts.values()],
  verdicts: [...verdicts],
  decisions: [...decisions],
  shielded: shielded.map(({ why }) => why),
  counts: { ...counts },
})

function lineOf(week: number, { detector, kind, severity, times, summary, response }: Alert): string {
  return `  week ${week + 1}: ${detector} ${kind}, ${severity}, ${times}×: ${summary} | ${response}`
}

interface Aim {
  readonly isMet: boolean
  readonly row: Row
}

function aimsOf(weeks: readonly Week[], trouble: Week): Aim[] {
  const verdicts = weeks.flatMap((week) => week.verdicts).filter(({ action }) => !HARMLESS.includes(action))
  const decisions = weeks.flatMap((week) => week.decisions)
  const shielded = weeks.flatMap((week) => week.shielded)
  const blaming = weeks.flatMap(({ alerts }) => alerts).filter(({ severity }) => BLAMING.includes(severity))
  const listed = trouble.alerts.filter(({ detector }) => detector === 'intel')
  const blocks = trouble.decisions.flatMap(({ kind, target }) => (kind === 'block' ? [target] : []))
  const isListed = (target: string): boolean => target === LISTED_ADDRESS
  return [
    none(
      'verdicts but to alert, record or ignore',
      verdicts.map(({ action, because }) => `${action}: ${because}`),
    ),
    none(
      'decisions of the gate, lists and reputation among them',
      decisions.map(({ kind, target }) => `${kind} ${target}`),
    ),
    none('orders to the shield', shielded),
    none(
      'alerts from medium up, whoever they name',
      blaming.map(({ subject, kind }) => `${kind} ${subject}`),
    ),
    some(
      'afterwards: a call to a listed address is told',
      listed.map(({ summary }) => summary),
    ),
    some('afterwards: it is blocked', blocks.filter(isListed)),
    none(
      'afterwards: others are blocked',
      blocks.filter((target) => !isListed(target)),
    ),
    some('afterwards: a forged SYN flood raises the shield', trouble.shielded),
  ]
}

const rowOf = (what: string, value: number, note: string): Row => ({
  ...{ what, who: 'gatehouse', value, unit: '', note, better: 'less' },
})

const none = (what: string, found: readonly string[]): Aim => ({
  isMet: found.length === 0,
  row: rowOf(what, found.length, found[0] ?? 'aim: 0'),
})

const some = (what: string, found: readonly string[]): Aim => ({
  isMet: found.length > 0,
  row: rowOf(what, found.length, found[0] ?? 'aim: at least 1'),
})

function countsOf(what: string, weeks: readonly Week[]): Row[] {
  const sum = (of: (week: Week) => number): number => weeks.reduce((total, week) => total + of(week), 0)
  const counted = (name: Exclude<keyof Week['counts'], 'habits'>): number => sum(({ counts }) => counts[name])
  const habits = Math.max(...weeks.map(({ counts }) => counts.habits))
  const heard =
    `${counted('connections')} reports of flows (${counted('owned')} with their program), ` +
    `${counted('logins')} log-ins, ${habits} habits, ${counted('sightings')} first sights`
  return [
    rowOf(`${what}: packets`, counted('packets'), heard),
    rowOf(
      `${what}: alerts`,
      sum(({ alerts }) => alerts.length),
      'listed above',
    ),
  ]
}

if (import.meta.main) await printBench({ title, run })
