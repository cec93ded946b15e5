import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { Refused } from '#api/port.ts'
import { SettingsRefused } from '#api/settings-port.ts'
import { loadConfig } from '#config/load.ts'
import { SettingsState } from '#contract/settings.ts'
import type { Decision } from '#model/decision.ts'
import { type ConfigSource, type DaemonConfig, openConfigSource } from './daemon-config.ts'
import { pathsOf } from './paths.ts'
import { openSettingJournal } from './setting-journal.ts'
import { createSettingsDesk } from './settings-desk.ts'

const anna = { name: 'anna', role: 'admin' } as const
const FILE = '# Mine\nstore:\n  flowsDays: 30 # a month\n'

let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-settings-'))
  path = join(folder, 'config.yaml')
  writeFileSync(path, FILE)
})
afterEach(() => rmSync(folder, { recursive: true }))

async function deskOf(given?: ConfigSource) {
  const source = given ?? (await openConfigSource({ config: path, port: 9 }, pathsOf({ config: path })))
  const adopted: DaemonConfig[] = []
  const decisions: Decision[] = []
  const desk = createSettingsDesk({
    source,
    started: source.read(),
    adopt: (config) => adopted.push(config),
    detectorValue: (setting) => (setting === 'detectors.port-scan.refusedPorts' ? 6 : undefined),
    ofProfile: () =>
      new Map(
        ['respond.blockFrom', 'store.flowsDays'].map((name) => [name, { value: 'high', profile: 'normal' }]),
      ),
    store: { alerts: async () => ({ items: [] }) },
    now: () => 5,
    note(undated) {
      const decision = { ...undated, id: decisions.length + 1, at: 5 }
      decisions.push(decision)
      return { decision, recorded: Promise.resolve() }
    },
    journal: openSettingJournal(join(folder, 'settings.json')),
  })
  const of = (setting: string) =>
    desk.state().settings.find((one) => one.setting === setting) ?? expect.unreachable()
  return { desk, adopted, decisions, of }
}

const refusalOf = async (work: Promise<unknown>): Promise<SettingsRefused> => {
  const error = await work.catch((thrown: unknown) => thrown)
  if (error instanceof SettingsRefused) return error
  throw new Error(`no refusal: ${error}`)
}

test('says of each setting what it takes, its value, where that comes from, and when a change holds', async () => {
  const { desk, of } = await deskOf()
  expect(SettingsState.parse(desk.state())).toEqual(desk.state())
  expect(of('store.flowsDays')).toMatchObject({
    value: 30,
    kind: 'number',
    minimum: 1,
    origin: { from: 'file', line: 3 },
    takesEffect: 'restart',
    waits: false,
  })
  expect(of('store.flowsDays').effective).toBeUndefined()
  expect(of('respond.blockFrom')).toMatchObject({ effective: { value: 'high', profile: 'normal' } })
  expect(of('page.port')).toMatchObject({ value: 9, origin: { from: 'flag', name: '--port' } })
  expect(of('respond.modes.flood')).toMatchObject({
    kind: 'choice',
    choices: ['off', 'watch', 'suggest', 'act'],
    origin: { from: 'default' },
    takesEffect: 'now',
  })
  const kinds = ['page.host', 'capture.loopback', 'allow', 'intel.lists'].map((name) => of(name).kind)
  expect(kinds).toEqual(['text', 'switch', 'list', 'yaml'])
})

test('a change is written with its comments, taken at once where possible, and kept as a decision', async () => {
  const { desk, adopted, decisions, of } = await deskOf()
  const outcome = await desk.change(
    { changes: [{ setting: 'detectors.port-scan.refusedPorts', text: '20' }] },
    anna,
  )
  expect(outcome).toMatchObject({
    sentence: 'detectors.port-scan.refusedPorts = 20.',
    needsRestart: false,
    decisions: [{ kind: 'setting', target: 'setting detectors.port-scan.refusedPorts', actor: 'anna' }],
  })
  expect(decisions[0]?.reason).toBe('from 6 to 20')
  expect(readFileSync(path, 'utf8')).toBe(`${FILE}detectors:\n  port-scan:\n    refusedPorts: 20\n`)
  expect(adopted.at(-1)?.detectors['port-scan']).toMatchObject({ refusedPorts: 20 })
  expect(of('detectors.port-scan.refusedPorts')).toMatchObject({ value: 20, waits: false })
})

test('what needs a restart says so, and waits until then', async () => {
  const { desk, of } = await deskOf()
  const outcome = await desk.change({ changes: [{ setting: 'store.flowsDays', value: 7 }] }, anna)
  expect(outcome.needsRestart).toBe(true)
  expect(outcome.sentence).toBe('store.flowsDays = 7. It takes effect when Gatehouse is started again.')
  expect(of('store.flowsDays')).toMatchObject({ value: 7, waits: true })
  await desk.change({ changes: [{ setting: 'store.flowsDays', value: 30 }] }, anna)
  expect(of('store.flowsDays').waits).toBe(false)
})

test('an undo brings back what the file had, also when that was nothing, and can be undone', async () => {
  const { desk, decisions } = await deskOf()
  await desk.change({ changes: [{ setting: 'store.flowsDays', value: 7 }] }, anna)
  await desk.change({ changes: [{ setting: 'respond.blockSeconds', value: 60 }] }, anna)
  const [days, seconds] = decisions as [Decision, Decision]
  expect((await desk.undo(seconds, anna)).sentence).toBe('respond.blockSeconds = 600 again.')
  expect(readFileSync(path, 'utf8')).not.toContain('blockSeconds')
  await desk.undo(days, anna)
  expect(readFileSync(path, 'utf8')).toContain('flowsDays: 30 # a month')
  await desk.undo(decisions.at(-1) as Decision, anna)
  expect(readFileSync(path, 'utf8')).toContain('flowsDays: 7 # a month')
  expect(decisions.map(({ undoes }) => undoes)).toEqual([undefined, undefined, 2, 1, 4])
  await expect(desk.undo({ ...days, id: 99 }, anna)).rejects.toThrow(Refused)
})

test('a dry run says what would be, and changes nothing', async () => {
  const { desk, decisions, adopted } = await deskOf()
  const changes = [{ setting: 'respond.blockSeconds', value: 60 }]
  const { sentence } = await desk.change({ changes, dryRun: true }, anna)
  expect(sentence).toBe('It would be: respond.blockSeconds = 60.')
  expect([readFileSync(path, 'utf8'), decisions.length, adopted.length]).toEqual([FILE, 0, 0])
})

test('all that does not fit is named with its setting, and nothing of it is written', async () => {
  const { desk } = await deskOf()
  const changes = [
    { setting: 'store.flowsDays', value: 0 },
    { setting: 'respond.blockSeconds', value: 60 },
    { setting: 'respond.profile', text: 'paranoit' },
  ]
  const refusal = await refusalOf(desk.change({ changes }, anna))
  expect(refusal.problems.map(({ setting, hint }) => [setting, hint])).toEqual([
    ['respond.profile', 'Did you mean paranoid?'],
    ['store.flowsDays', 'Correct it, or remove the setting: then it is 30.'],
  ])
  expect(readFileSync(path, 'utf8')).toBe(FILE)
  const unknown = await refusalOf(desk.change({ changes: [{ setting: 'store.flowDays', value: 3 }] }, anna))
  expect(unknown.hint).toBe('Did you mean store.flowsDays?')
  const broken = await refusalOf(desk.change({ changes: [{ setting: 'allow', text: '[1' }] }, anna))
  expect(broken.problems[0]?.setting).toBe('allow')
})

test('what a flag says cannot be changed in the file', async () => {
  const { desk } = await deskOf()
  const refusal = await refusalOf(desk.change({ changes: [{ setting: 'page.port', value: 80 }] }, anna))
  expect(refusal.message).toBe('page.port: --port says what it is, and wins over the file.')
})

test('a file that somebody broke leaves the settings in force visible, and says what is wrong', async () => {
  const { desk, of } = await deskOf()
  await desk.change({ changes: [{ setting: 'respond.blockSeconds', value: 60 }] }, anna)
  writeFileSync(path, 'store: { flowsDays: many }\n')
  expect(desk.state().problems).toMatchObject([{ setting: 'store.flowsDays', line: 1 }])
  expect(of('respond.blockSeconds')).toMatchObject({ value: 60, waits: false })
  await refusalOf(desk.change({ changes: [{ setting: 'respond.blockSeconds', value: 90 }] }, anna))
  expect(readFileSync(path, 'utf8')).toBe('store: { flowsDays: many }\n')
})

test('the first change makes the file and its folder', async () => {
  path = join(folder, 'new', 'config.yaml')
  const source = await openConfigSource({}, { ...pathsOf({}), configFile: path })
  const { desk } = await deskOf(source)
  await desk.change({ changes: [{ setting: 'respond.profile', value: 'paranoid' }] }, anna)
  expect(existsSync(path)).toBe(true)
})

test('a limit is tried on the alerts of the past, in the bounds that it has', async () => {
  const { desk } = await deskOf()
  const setting = 'detectors.port-scan.refusedPorts'
  expect(await desk.tuning({ setting, value: 20, days: 7 })).toMatchObject({ from: 6, to: 20, alerts: 0 })
  await refusalOf(desk.tuning({ setting, value: 1, days: 7 }))
  await expect(desk.tuning({ setting: 'store.flowsDays', value: 5, days: 7 })).rejects.toThrow(/no limit/)
  expect(readFileSync(path, 'utf8')).toBe(FILE)
})

test('a secret can be set, and is shown nowhere', async () => {
  const sections = {
    mail: z.strictObject({ password: z.string().meta({ secret: true }).optional() }).prefault({}),
  }
  writeFileSync(path, '')
  const source: ConfigSource = {
    path,
    sections,
    read(text) {
      const { settings } = loadConfig({ path, sections, ...(text !== undefined && { text }) })
      return { config: {} as DaemonConfig, settings }
    },
  }
  const { desk, decisions } = await deskOf(source)
  const outcome = await desk.change({ changes: [{ setting: 'mail.password', value: 'hunter2' }] }, anna)
  expect(readFileSync(path, 'utf8')).toContain('hunter2')
  expect(JSON.stringify([outcome, decisions, desk.state()])).not.toContain('hunter2')
})
