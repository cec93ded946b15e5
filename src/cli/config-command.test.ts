import { afterEach, beforeEach, expect, test } from 'vitest'
import { SettingsRefused } from '#api/settings-port.ts'
import type { Setting, SettingsState } from '#contract/settings.ts'
import { type CommandLine, openCommandLine } from '../../test/support/command-line.ts'
import { createSmallProduct } from '../../test/support/port.ts'

const days: Setting = {
  setting: 'store.flowsDays',
  value: 7,
  default: 30,
  description: 'Days that flows are kept',
  expected: 'a whole number from 1 to 3650',
  kind: 'number',
  origin: { from: 'file', line: 2 },
  isSecret: false,
  takesEffect: 'restart',
  waits: true,
}
const { value: _, default: __, ...unset } = days
const password: Setting = {
  ...unset,
  setting: 'mail.password',
  origin: { from: 'default' },
  isSecret: true,
  waits: false,
}

let line: CommandLine
let state: SettingsState
let asked: unknown[]

beforeEach(async () => {
  state = { file: '/etc/gatehouse/config.yaml', settings: [days, password], problems: [] }
  asked = []
  line = await openCommandLine({
    ...createSmallProduct(),
    settings: {
      state: () => state,
      async change(request) {
        asked.push(request)
        if (request.changes[0]?.text === '0')
          throw new SettingsRefused('store.flowsDays: too few', 'Use more.', [])
        const decision = {
          id: 4,
          at: 1,
          kind: 'setting',
          target: 'setting x',
          actor: 'root',
          reason: '',
        } as const
        return {
          sentence: 'It is so.',
          decisions: request.dryRun ? [] : [decision],
          needsRestart: false,
          file: '',
        }
      },
      undo: () => expect.unreachable(),
      tuning: () => expect.unreachable(),
    },
  })
})
afterEach(() => line.close())

test('config get lists settings by group, by name, or those that somebody chose', async () => {
  expect(await line.run('config get')).toBe(0)
  expect(line.said).toMatch(
    /^SETTING +VALUE +FROM +MEANS\nstore\.flowsDays +7 +file, line 2 +Days.*\nmail\.password +\(secret\)/,
  )
  await line.run('config get --changed')
  expect(line.said).not.toContain('mail')
  await line.run('config get store.flowsDays')
  expect(line.said).toContain('Value:    7 (file, line 2)\nDefault:  30\n')
  expect(line.said).toContain('In force: from the next start on\n')
  expect(await line.run('config get store.flowDays')).toBe(2)
  expect(line.said).toContain('Did you mean store.flowsDays?')
})

test('config set and reset ask for the change, and say how to take it back', async () => {
  expect(await line.run('config set store.flowsDays 9')).toBe(0)
  expect(line.said).toBe('It is so.\nUndo: gatehouse undo 4\n')
  await line.run('config reset store.flowsDays --dry-run')
  expect(line.said).toBe('It is so.\n')
  expect(asked).toEqual([
    { changes: [{ setting: 'store.flowsDays', text: '9' }] },
    { changes: [{ setting: 'store.flowsDays' }], dryRun: true },
  ])
  expect(await line.run('config set store.flowsDays 0')).toBe(2)
  expect(line.said).toContain('Use more.')
})

test('config check names what is wrong with its line, and what waits for a restart', async () => {
  expect(await line.run('config check')).toBe(0)
  expect(line.said).toBe(
    '/etc/gatehouse/config.yaml is good.\nHolds from the next start on: store.flowsDays.\n',
  )
  state = {
    ...state,
    problems: [{ setting: 'store.x', line: 3, column: 5, message: 'no \u001b[2J', hint: 'Mend it.' }],
  }
  expect(await line.run('config check')).toBe(1)
  expect(line.said).toBe('/etc/gatehouse/config.yaml:3:5: store.x: no \\u{1b}[2J. Mend it.\n')
})

test('what a profile decides is shown with the profile, not as a default that does not hold', async () => {
  const limit: Setting = {
    ...{ ...days, setting: 'detectors.port-scan.refusedPorts', origin: { from: 'default' }, value: 6 },
    effective: { value: 3, profile: 'paranoid' },
  }
  state = { ...state, settings: [days, limit] }
  await line.run('config get')
  expect(line.said).toMatch(/refusedPorts +3 +profile paranoid/)
  await line.run('config get detectors.port-scan.refusedPorts')
  expect(line.said).toContain('3 (profile paranoid)')
})
