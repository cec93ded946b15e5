import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { LoginAttempt } from '#model/login.ts'
import { type Logs, startLogs } from './logs.ts'
import { logSettings } from './settings.ts'

type On = Parameters<Parameters<typeof startLogs>[0]['follow']>[2]

let folder: string
let logs: Logs | undefined
let attempts: LoginAttempt[]
/** Each start of the journal's program, and its lines to come. */
let journals: { readonly program: string; readonly args: readonly string[]; readonly on: On }[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-logs-'))
  attempts = []
  journals = []
})

afterEach(async () => {
  await logs?.stop()
  rmSync(folder, { recursive: true })
})

async function start(settings: object): Promise<Logs> {
  logs = await startLogs({
    settings: logSettings.parse(settings),
    follow(program, args, on) {
      journals.push({ program, args, on })
      return { stop() {} }
    },
    placeFile: join(folder, 'journal.json'),
    now: () => 7_000,
    attempted: (attempt) => attempts.push(attempt),
  })
  return logs
}

const MESSAGE = 'Failed password for root from 203.0.113.9 port 5022 ssh2'
const entry = JSON.stringify({
  ...{ MESSAGE, SYSLOG_IDENTIFIER: 'sshd', SYSLOG_PID: '7', _UID: '0' },
  ...{ __CURSOR: 's=1;i=2', __REALTIME_TIMESTAMP: '7000001' },
})

test('the journal and a file that tell of the same try give one attempt', async () => {
  const file = join(folder, 'auth.log')
  writeFileSync(file, '')
  const { health } = await start({ files: [file] })
  expect(health.state).toBe('ok')
  await vi.waitFor(() => expect(logs?.health).toMatchObject({ note: `reads the journal, ${file}` }), 5_000)
  expect(journals[0]).toMatchObject({ program: 'journalctl' })
  expect(journals[0]?.args).toContain('SYSLOG_IDENTIFIER=sshd')
  journals[0]?.on.line(entry)
  appendFileSync(file, `Nov 20 11:05:31 host sshd[7]: ${MESSAGE}\n`)
  appendFileSync(file, `Nov 20 11:05:32 host sshd[8]: ${MESSAGE}\n`)
  await vi.waitFor(() => expect(attempts).toHaveLength(2), 5_000)
  expect(attempts[0]).toMatchObject({ at: 7_000, program: 'sshd', service: 'ssh', address: '203.0.113.9' })
})

test('a journal that ends is followed anew, and the health says why it ended', async () => {
  await start({ files: [] })
  journals[0]?.on.ended('no journal files')
  expect(logs?.health).toMatchObject({
    state: 'ok',
    note: 'waits for log files, see logs.files; the journal cannot be followed: no journal files',
  })
  await vi.waitFor(() => expect(journals).toHaveLength(2), 5_000)
  journals[1]?.on.line(entry)
  expect(attempts).toHaveLength(1)
})

test('a file that cannot be read is a fault that says what to do, one that is not there is waited for', async () => {
  await start({ journal: false, files: [join(folder, 'missing.log')] })
  expect(journals).toEqual([])
  expect(logs?.health).toEqual({ part: 'logs', state: 'ok', note: 'waits for log files, see logs.files' })
  await logs?.stop()
  await start({ journal: false, files: [folder] })
  await vi.waitFor(() => expect(logs?.health.state).toBe('degraded'), 5_000)
  expect(logs?.health).toMatchObject({
    reason: `${folder} cannot be read: it is no plain file`,
    remedy: 'Start Gatehouse as root, or take the file out of logs.files.',
  })
})
