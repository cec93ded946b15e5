import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { followJournal, type JournalFollower } from './journal-follower.ts'

type On = Parameters<Parameters<typeof followJournal>[0]['follow']>[2]

const HOUR = 3_600_000
const NOW = 1_795_184_979_000

let folder: string
let placeFile: string
let clock: number
let taken: { readonly message: string; readonly at: number }[]
/** Each start of journalctl: where it was told to begin, and its lines to come. */
let journals: { readonly from: string; readonly on: On }[]
let follower: JournalFollower

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-journal-'))
  placeFile = join(folder, 'journal.json')
  clock = NOW
  taken = []
  journals = []
})

afterEach(async () => {
  await follower.stop()
  rmSync(folder, { recursive: true })
})

function start(): void {
  follower = followJournal({
    follow(_, args, on) {
      const from = args.filter((arg) => /^--(no-tail|cursor|since)/.test(arg)).join(' ')
      journals.push({ from, on })
      return { stop() {} }
    },
    placeFile,
    now: () => clock,
    take: ({ message }, at) => taken.push({ message, at }),
  })
}

const line = (number: number, at = clock): string =>
  JSON.stringify({
    ...{ MESSAGE: `line ${number}`, SYSLOG_IDENTIFIER: 'sshd', _UID: '0', _PID: '7' },
    ...{ __CURSOR: `s=1;i=${number}`, __REALTIME_TIMESTAMP: `${at * 1000}` },
  })

const lines = (): string[] => taken.map(({ message }) => message)

test('begins with what is written from now on, and goes on after the last entry when it is started again', async () => {
  start()
  expect(journals[0]?.from).toBe(`--no-tail --since=@${NOW / 1000}`)
  journals[0]?.on.line(line(1, NOW + 5))
  await follower.stop()
  clock += 60_000
  start()
  expect(journals[1]?.from).toBe('--no-tail --cursor=s=1;i=1')
  for (const number of [1, 2, 3]) journals[1]?.on.line(line(number, NOW + number))
  expect(lines()).toEqual(['line 1', 'line 2', 'line 3'])
  expect(taken.map(({ at }) => at)).toEqual([NOW, NOW + 2, NOW + 3])
})

test('a journal that said nothing yet is read from when reading began', async () => {
  start()
  await follower.stop()
  clock += 60_000
  start()
  expect(journals[1]?.from).toBe(`--no-tail --since=@${NOW / 1000}`)
  journals[1]?.on.line(line(1, NOW - 300))
  journals[1]?.on.line(line(2, NOW + 300))
  expect(lines()).toEqual(['line 2'])
})

test('of a long absence only the last hour is made up for', async () => {
  start()
  journals[0]?.on.line(line(1, NOW + 5))
  await follower.stop()
  clock += 5 * HOUR
  start()
  expect(journals[1]?.from).toBe(`--no-tail --since=@${(NOW + 4 * HOUR) / 1000}`)
})

test('a journalctl that ends is started where it was, and a cursor that it refuses is given up for its time', async () => {
  start()
  journals[0]?.on.line(line(1, NOW + 5))
  journals[0]?.on.ended('killed')
  expect(follower.trouble()).toBe('killed')
  await vi.waitFor(() => expect(journals).toHaveLength(2), 5_000)
  expect(journals[1]?.from).toContain('--cursor=s=1;i=1')
  journals[1]?.on.ended('Failed to seek to cursor: Invalid argument')
  await vi.waitFor(() => expect(journals).toHaveLength(3), 10_000)
  expect(journals[2]?.from).toBe(`--no-tail --since=@${NOW / 1000}`)
  for (const number of [1, 2]) journals[2]?.on.line(line(number, NOW + number + 4))
  expect(lines()).toEqual(['line 1', 'line 2'])
  expect(follower.trouble()).toBeUndefined()
})

test('a file that says nothing useful is as none, and the place is kept while it runs', async () => {
  writeFileSync(placeFile, '{"at": "yesterday"}')
  start()
  expect(journals[0]?.from).toBe(`--no-tail --since=@${NOW / 1000}`)
  journals[0]?.on.line(line(4, NOW + 5))
  await vi.waitFor(() => expect(readFileSync(placeFile, 'utf8')).toContain('s=1;i=4'), 10_000)
})
