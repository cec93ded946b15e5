import { beforeEach, expect, test } from 'vitest'
import type { CountedMinute, TakenBytes } from '#model/program-bytes.ts'
import { type ByteKeeper, createByteKeeper } from './byte-keeper.ts'

const MINUTE = 60_000
const START = 1_000 * MINUTE

let now: number
let waiting: Record<string, number>
/** As a store has it: the newest of each minute of each run. */
let kept: Map<string, CountedMinute>
let writes: number
let isFull: boolean
let keeper: ByteKeeper

const takenOf = (sent: Record<string, number>): TakenBytes => ({
  ...{ source: 'messages', seconds: 10 },
  programs: Object.entries(sent).map(([program, sentBytes]) => ({
    program,
    ...{ sentBytes, sentPackets: 1, receivedBytes: 0, receivedPackets: 0 },
  })),
})

beforeEach(() => {
  now = START
  waiting = {}
  kept = new Map()
  writes = 0
  isFull = false
  keeper = createByteKeeper({
    async take() {
      const taken = takenOf(waiting)
      waiting = {}
      return taken
    },
    async record(minutes) {
      if (isFull) return false
      writes++
      for (const minute of minutes) kept.set(`${minute.run} ${minute.at}`, minute)
      return true
    },
    now: () => now,
  })
})

function sums(): Record<string, number> {
  const all: Record<string, number> = {}
  for (const { programs } of kept.values())
    for (const { program, sentBytes } of programs) all[program] = (all[program] ?? 0) + sentBytes
  return all
}

async function send(program: string, bytes: number, later = 10_000): Promise<void> {
  waiting[program] = (waiting[program] ?? 0) + bytes
  await keeper.keep()
  now += later
}

test('each minute is kept as a whole while it grows, and nothing counts twice', async () => {
  for (let step = 0; step < 20; step++) await send('/bin/a', 7)
  expect(sums()).toEqual({ '/bin/a': 140 })
  expect([...kept.values()].map(({ at, seconds }) => [at - START, seconds])).toEqual([
    [0, 60],
    [MINUTE, 60],
    [2 * MINUTE, 60],
    [3 * MINUTE, 20],
  ])
})

test('what the disk refused comes with the next', async () => {
  await send('/bin/a', 1)
  isFull = true
  for (let step = 0; step < 30; step++) await send('/bin/a', 1)
  expect(sums()).toEqual({ '/bin/a': 1 })
  isFull = false
  await send('/bin/a', 1)
  expect(sums()).toEqual({ '/bin/a': 32 })
})

test('a clock that is set back begins minutes of their own: none is written over', async () => {
  for (let step = 0; step < 12; step++) await send('/bin/a', 5)
  now -= 90_000
  for (let step = 0; step < 12; step++) await send('/bin/a', 5)
  expect(sums()).toEqual({ '/bin/a': 120 })
})

test('programs without end are summed up as the others, and an idle machine is written once a minute', async () => {
  for (let number = 0; number < 600; number++) waiting[`/bin/${number}`] = 1
  await keeper.keep()
  expect(Object.keys(sums())).toHaveLength(501)
  expect(sums()['*']).toBe(100)
  const before = writes
  for (let step = 0; step < 30; step++) {
    now += 10_000
    await keeper.keep()
  }
  expect(writes - before).toBe(5)
})

test('the end keeps what was taken last, and asks for what nobody was found for', async () => {
  const asked: string[] = []
  const ending = createByteKeeper({
    async take(end) {
      asked.push(end)
      return takenOf({ '/bin/a': 3 })
    },
    async record(minutes) {
      for (const minute of minutes) kept.set(`${minute.run} ${minute.at}`, minute)
      return true
    },
    now: () => now,
  })
  await Promise.all([ending.keep(), ending.keep('end')])
  expect([asked, sums()]).toEqual([['later', 'end'], { '/bin/a': 6 }])
})
