import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Alert } from '#contract/schemas.ts'
import { findProgram } from './bench.ts'
import { type Cast, SCENARIOS, type Scenario } from './detection/scenarios.ts'
import { type Blocked, type Heard, type Stage, sendingFrames, setStage } from './detection/stage.ts'

/**
 * The matrix of attacks: the real tools against the whole product, in network namespaces. For each: is it found, as what,
 * how soon after its first packet, how soon is its sender blocked, what got through, and was anybody else blocked.
 *
 *   npm run bench:detection -- [--only WORDS] [--keep FOLDER] [--no-block]
 *
 * `--keep` leaves what the server's wire carried as pcap files; `--no-block`: nobody is shut out meanwhile. Ends with 1 when a row is not as it must be.
 */
interface Outcome {
  readonly scenario: Scenario
  readonly heard: Heard
  readonly alert: Alert | undefined
  /** Another finding that named the attacker, where the right one is missing. */
  readonly other: Alert | undefined
  readonly blocked: Blocked | undefined
  readonly wronged: readonly string[]
}

const POLL_MS = 250
/** After it was found: for the block, and for what still gets through. */
const AFTERMATH_MS = 1_500
const WATCH_ONLY =
  'respond:\n  blockFrom: never\nenforce:\n  refusalsPerSecond: 0\nshield:\n  floods: never\n'

const { values } = parseArgs({
  options: { only: { type: 'string' }, keep: { type: 'string' }, 'no-block': { type: 'boolean' } },
})
const mayBlock = values['no-block'] !== true
if (process.getuid?.() !== 0) throw new Error('The matrix needs root: it makes network namespaces.')

const wanted = SCENARIOS.filter(({ name }) => name.includes(values.only ?? ''))
const missing = wanted.filter(({ tool }) => tool !== undefined && findProgram(tool) === undefined)
const played = wanted.filter((scenario) => !missing.includes(scenario))
const folder = values.keep ?? mkdtempSync(join(tmpdir(), 'gatehouse-matrix-'))
mkdirSync(folder, { recursive: true })

console.log(
  `Gatehouse, profile normal. ${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}`,
)
console.log('Times in ms after the first packet of the attack; blocked: as nft monitor heard of it.\n')
console.log(line(['scenario', 'found', 'as', 'after', 'blocked', 'packets', 'through', 'innocents']))

const stage = await setStage(played.length, mayBlock ? '' : WATCH_ONLY)
const outcomes: Outcome[] = []
try {
  for (const [at, scenario] of played.entries()) {
    const outcome = await play(stage, scenario, at)
    outcomes.push(outcome)
    console.log(lineOf(outcome))
    if (!isRight(outcome)) console.log(`  not right; ${outcome.alert?.response ?? 'no such alert'}`)
  }
} finally {
  await stage.end()
  if (values.keep === undefined) rmSync(folder, { recursive: true })
}
for (const { name, tool } of missing) console.log(`left out, there is no ${tool}: ${name}`)
const wrong = outcomes.filter((outcome) => !isRight(outcome))
console.log(`\n${outcomes.length - wrong.length} of ${outcomes.length} as they must be`)
process.exitCode = wrong.length === 0 ? 0 : 1

async function play(on: Stage, scenario: Scenario, at: number): Promise<Outcome> {
  const attacker = on.attackers[at] as Cast['attacker']
  const cast = { server: on.server, innocent: on.innocent, attacker }
  const file = join(folder, `${scenario.name.replaceAll(/[^a-zA-Z0-9]+/g, '-')}.pcap`)
  const before = on.blocked.length
  const hush = await on.listen(file)
  await sleep((scenario.quietSeconds ?? 0) * 1_000)
  const startedAt = Date.now()
  const tool = attacker.start('timeout', ...commandOf(scenario, cast, file))
  const isRightOne = (alert: Alert): boolean =>
    alert.detector === scenario.detector &&
    scenario.kinds.includes(alert.kind) &&
    alert.lastSeenAt >= startedAt &&
    (scenario.blames !== 'attacker' || alert.subject === attacker.ip4)
  const blockOf = (): Blocked | undefined =>
    on.blocked.slice(before).find(({ address }) => address === attacker.ip4)
  const endsAt = startedAt + scenario.seconds * 1000
  let alert: Alert | undefined
  const isEnough = (): boolean =>
    alert !== undefined &&
    (scenario.blames !== 'attacker' || (mayBlock ? blockOf() !== undefined : alert.severity === 'high'))
  while (Date.now() < endsAt && !isEnough()) {
    await sleep(POLL_MS)
    alert = (await on.alerts()).filter(isRightOne).at(-1)
  }
  await sleep(AFTERMATH_MS)
  tool.kill('SIGTERM')
  const all = await on.alerts()
  return {
    ...{ scenario, heard: await hush(), blocked: blockOf() },
    alert: all.filter(isRightOne).at(-1),
    other: all.find(({ subject, lastSeenAt }) => subject === attacker.ip4 && lastSeenAt >= startedAt),
    wronged: on.blocked
      .slice(before)
      .map(({ address }) => address)
      .filter((address) => scenario.blames !== 'attacker' || address !== attacker.ip4),
  }
}

/** All that it starts ends with it: `timeout` hands its own end to the group that it leads. */
function commandOf(scenario: Scenario, cast: Cast, file: string): readonly string[] {
  const command = scenario.frames
    ? sendingFrames(cast.attacker, scenario.frames(cast), { file: `${file}.frames`, pauseMs: 50 })
    : scenario.command?.(cast)
  return ['-k', '1', String(scenario.seconds), 'sh', '-c', `(${command}) > /dev/null 2>&1`]
}

function isRight({ scenario, alert, blocked, wronged }: Outcome): boolean {
  const mustBlock = mayBlock && scenario.blames === 'attacker'
  return alert !== undefined && wronged.length === 0 && (!mustBlock || blocked !== undefined)
}

function lineOf({ scenario, heard, alert, other, blocked, wronged }: Outcome): string {
  const after = (at: number | undefined): string =>
    at === undefined || heard.firstAt === undefined ? '–' : (at - heard.firstAt).toFixed(1)
  const shown = alert ?? other
  return line([
    scenario.name,
    alert ? 'yes' : 'NO',
    shown ? `${shown.detector} ${shown.kind}` : '–',
    after(alert?.at),
    scenario.blames === 'attacker' || blocked ? after(blocked?.at) : 'nobody',
    String(heard.offered),
    String(heard.through),
    wronged.length === 0 ? 'none' : wronged.slice(0, 3).join(' '),
  ])
}

function line(cells: readonly string[]): string {
  const widths = [34, 5, 30, 9, 9, 9, 9, 9]
  return cells
    .map((cell, at) => (at > 2 && at < 7 ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
    .join(' ')
    .trimEnd()
}
