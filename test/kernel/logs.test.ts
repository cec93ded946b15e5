import { appendFileSync, mkdtempSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect } from 'vitest'
import type { Alert, Block, Page, Status } from '#contract/schemas.ts'
import { removeFolder, startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

/** A real daemon that follows real files. The addresses are of documentation: nothing is sent to them. */
const test = testWith('root', 'ip', 'nft')

let wire: Wire
let daemon: TestDaemon
let folder: string
let file: string

beforeEach(async () => {
  wire = layWire()
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-logs-'))
  file = join(folder, 'auth.log')
  writeFileSync(file, Array.from({ length: 20 }, (_, at) => failed('192.0.2.99', at)).join(''))
  daemon = await startDaemon({
    namespace: wire.server.namespace,
    config: `logs:\n  journal: false\n  files: [${file}]\n`,
  })
  await until('the file is followed', () =>
    daemon.ask<Status>('status').parts.some(({ part, note }) => part === 'logs' && note?.includes(file)),
  )
})

afterEach(async () => {
  await daemon?.stop()
  wire.remove()
  for (const made of [folder, daemon?.folder]) if (made !== undefined) removeFolder(made)
})

const failed = (address: string, session: number): string =>
  `2026-11-20T11:05:31.${String(session).padStart(6, '0')}+00:00 host sshd-session[${1000 + session}]: Failed password for root from ${address} port ${40_000 + session} ssh2\n`

const blocks = (): string[] => daemon.ask<Block[]>('block', 'list').map(({ target }) => target)

test('wrong passwords in a log file become a block, also across a rotation, and old lines count for nothing', async () => {
  for (const at of [1, 2, 3]) appendFileSync(file, failed('203.0.113.9', at))
  renameSync(file, `${file}.1`)
  // The program goes on writing to the old file until it is told.
  appendFileSync(`${file}.1`, failed('203.0.113.9', 4))
  writeFileSync(file, failed('203.0.113.9', 5))
  expect(blocks()).toEqual([])
  appendFileSync(file, failed('203.0.113.9', 6))
  await until('the block', () => blocks().length > 0)
  expect(blocks()).toEqual(['203.0.113.9'])
  const alert = daemon.ask<Page<Alert>>('alerts').items.find(({ detector }) => detector === 'login-failures')
  expect(alert).toMatchObject({ kind: 'ssh', severity: 'high', technique: 'T1110', spoofable: false })
  expect(alert?.because).toBe('detectors.login-failures.failures = 6')
  expect(alert?.summary).toMatch(/^203\.0\.113\.9 failed to log in 6 times at ssh \(root\) in /)
})

test('a file that is cut short and written anew is read from its begin', async () => {
  for (const at of [1, 2, 3]) appendFileSync(file, failed('203.0.113.10', at))
  for (const at of [1, 2, 3, 4, 5, 6]) appendFileSync(file, failed('203.0.113.12', at))
  await until('all of it was read', () => blocks().includes('203.0.113.12'))
  truncateSync(file, 0)
  for (const at of [4, 5, 6]) appendFileSync(file, failed('203.0.113.10', at))
  await until('the block', () => blocks().includes('203.0.113.10'))
})

test('who calls himself by the line of somebody else is blocked, and nobody else', async () => {
  const user = 'root from 198.51.100.1 port 22 ssh2'
  for (let at = 1; at <= 6; at++) appendFileSync(file, failed('203.0.113.11', at).replace('root', user))
  await until('the block', () => blocks().length > 0)
  expect(blocks()).toEqual(['203.0.113.11'])
})
