import { expect, test } from 'vitest'
import type { BytesSource, CountedMinute } from '#model/program-bytes.ts'
import { close, newFolder, open } from '../../test/support/archives.ts'
import { NOON } from '../../test/support/remembered.ts'
import type { Archive } from './archive.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const counted = (program: string, sentBytes: number) => ({
  program,
  ...{ sentBytes, sentPackets: 1, receivedBytes: 2 * sentBytes, receivedPackets: 2 },
})

const minute = (
  run: number,
  at: number,
  sent: Readonly<Record<string, number>>,
  source: BytesSource = 'messages',
): CountedMinute => ({
  ...{ run, at, source, seconds: 60 },
  programs: Object.entries(sent).map(([program, bytes]) => counted(program, bytes)),
})

const sentOver = (archive: Archive, since: number, now: number): Record<string, number> =>
  Object.fromEntries(
    archive
      .counted({ since, now, limit: 100 })
      .programs.map(({ program, sentBytes }) => [program, sentBytes]),
  )

/** All that can wait is done. */
function tidy(archive: Archive, now: number): void {
  archive.tick(now)
  while (archive.chore());
}

test('bytes of a program add up over a period, most bytes first, with how long was counted', () => {
  const archive = open()
  archive.saveCounted([minute(NOON, NOON, { '/bin/a': 10, '/bin/b': 900 })], NOON)
  archive.saveCounted([minute(NOON, NOON + MINUTE, { '/bin/a': 5 })], NOON)
  const now = NOON + 2 * MINUTE
  expect(archive.counted({ since: NOON, now, limit: 1 })).toEqual({
    programs: [counted('/bin/b', 900)],
    ...{ total: 2, since: NOON, until: now, seconds: 120, sources: ['messages'] },
  })
  expect(sentOver(archive, NOON, now)).toEqual({ '/bin/a': 15, '/bin/b': 900 })
  expect(sentOver(archive, NOON + MINUTE + 1, now)).toEqual({ '/bin/a': 5 })
  expect(archive.counted({ programs: ['/bin/a'], now, limit: 9 }).programs).toMatchObject([{ sentBytes: 15 }])
})

test('a minute that is written again as it grows counts once', () => {
  const archive = open()
  for (const sent of [10, 25, 25]) archive.saveCounted([minute(NOON, NOON, { '/bin/a': sent })], NOON)
  expect(sentOver(archive, NOON, NOON + 1)).toEqual({ '/bin/a': 25 })
})

test('minutes become hours and runs become one, and no byte is lost or doubled', () => {
  const folder = newFolder()
  let sent = 0
  // Three runs, the second within one minute of the first.
  for (const [run, from] of [0, 1, 90].entries()) {
    const archive = open(folder)
    for (let at = from; at < from + 80; at += 10) {
      archive.saveCounted([minute(NOON + run, NOON + at * MINUTE, { '/bin/a': run + at + 1 })], NOON)
      sent += run + at + 1
      tidy(archive, NOON + at * MINUTE + 1)
    }
    close(archive)
  }
  const archive = open(folder)
  for (const hours of [3, 4, 5, 6, 20, 21]) {
    tidy(archive, NOON + hours * HOUR)
    expect([hours, sentOver(archive, NOON, NOON + hours * HOUR)]).toEqual([hours, { '/bin/a': sent }])
  }
  expect(archive.counted({ now: NOON + DAY, limit: 9 })).toMatchObject({ seconds: 24 * 60 })
  // By hours now: what began in the middle of one is told from its beginning.
  const whole = sentOver(archive, NOON + 30 * MINUTE, NOON + DAY)
  expect(whole).toEqual({ '/bin/a': sent })
})

test('the live minutes of this run stay apart until they are hours old', () => {
  const archive = open()
  archive.saveCounted([minute(NOON, NOON, { '/bin/a': 1 })], NOON)
  tidy(archive, NOON + 2 * HOUR)
  // It grew, and is written once more as a whole.
  archive.saveCounted([minute(NOON, NOON, { '/bin/a': 3 })], NOON)
  expect(sentOver(archive, NOON, NOON + 2 * HOUR)).toEqual({ '/bin/a': 3 })
})

test('ways of counting are told, the one of longest first, and what is too old is forgotten', () => {
  const archive = open()
  archive.saveCounted([minute(NOON, NOON, { '/bin/a': 1 }, 'sockets')], NOON)
  archive.saveCounted([minute(NOON, NOON + MINUTE, { '/bin/a': 1 }, 'packets')], NOON)
  archive.saveCounted([minute(NOON, NOON + 2 * MINUTE, { '/bin/a': 1 }, 'packets')], NOON)
  expect(archive.counted({ now: NOON + HOUR, limit: 9 }).sources).toEqual(['packets', 'sockets'])
  tidy(archive, NOON + 32 * DAY)
  expect(archive.counted({ now: NOON + 32 * DAY, limit: 9 })).toMatchObject({ programs: [], sources: [] })
})
