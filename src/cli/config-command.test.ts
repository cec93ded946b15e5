import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Api, createApi } from '#api/api.ts'
import { type Listening, listenForOwner } from '#api/listen.ts'
import { SettingsRefused } from '#api/settings-port.ts'
import type { Setting, SettingsState } from '#contract/settings.ts'
import { createSmallProduct } from '../../test/support/port.ts'
import { createCoreClient } from './client.ts'
import { runCommandLine } from './program.ts'

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

let folder: string
let api: Api
let core: Listening
let said: string
let state: SettingsState
let asked: unknown[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gh-cli-'))
  state = { file: '/etc/gatehouse/config.yaml', settings: [days, password], problems: [] }
  asked = []
  api = createApi({
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
  const me = { pid: process.pid, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
  core = await listenForOwner(api, { path: join(folder, 'api.sock'), credentialsOf: () => me })
})
afterEach(async () => {
  api.close()
  await core.close()
  rmSync(folder, { recursive: true })
})

function gatehouse(line: string): Promise<number> {
  said = ''
  const write = (text: string): void => {
    said += text
  }
  const terminal = { write, warn: write, hasColour: false, isInteractive: false, readSecret: async () => '' }
  const shell = {
    terminal,
    now: () => 0,
    connect: () => createCoreClient([core.path]),
    run: async () => {},
    boot: async () => '',
    replay: async () => 0,
    selfTest: async () => [],
  }
  return runCommandLine(line.split(' '), shell, '0.1.0')
}

test('config get lists settings by group, by name, or those that somebody chose', async () => {
  expect(await gatehouse('config get')).toBe(0)
  expect(said).toMatch(
    /^SETTING +VALUE +FROM +MEANS\nstore\.flowsDays +7 +file, line 2 +Days.*\nmail\.password +\(secret\)/,
  )
  await gatehouse('config get --changed')
  expect(said).not.toContain('mail')
  await gatehouse('config get store.flowsDays')
  expect(said).toContain('Value:    7 (file, line 2)\nDefault:  30\n')
  expect(said).toContain('In force: from the next start on\n')
  expect(await gatehouse('config get store.flowDays')).toBe(2)
  expect(said).toContain('Did you mean store.flowsDays?')
})

test('config set and reset ask for the change, and say how to take it back', async () => {
  expect(await gatehouse('config set store.flowsDays 9')).toBe(0)
  expect(said).toBe('It is so.\nUndo: gatehouse undo 4\n')
  await gatehouse('config reset store.flowsDays --dry-run')
  expect(said).toBe('It is so.\n')
  expect(asked).toEqual([
    { changes: [{ setting: 'store.flowsDays', text: '9' }] },
    { changes: [{ setting: 'store.flowsDays' }], dryRun: true },
  ])
  expect(await gatehouse('config set store.flowsDays 0')).toBe(2)
  expect(said).toContain('Use more.')
})

test('config check names what is wrong with its line, and what waits for a restart', async () => {
  expect(await gatehouse('config check')).toBe(0)
  expect(said).toBe('/etc/gatehouse/config.yaml is good.\nHolds from the next start on: store.flowsDays.\n')
  state = {
    ...state,
    problems: [{ setting: 'store.x', line: 3, column: 5, message: 'no \u001b[2J', hint: 'Mend it.' }],
  }
  expect(await gatehouse('config check')).toBe(1)
  expect(said).toBe('/etc/gatehouse/config.yaml:3:5: store.x: no \\u{1b}[2J. Mend it.\n')
})
