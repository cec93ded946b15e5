import { expect, test } from 'vitest'
import { reportOf, withCounted, withCountedPeriod } from './counted.ts'

const sum = (key: string) => ({ key, flows: 2, bytesIn: 10, bytesOut: 20, firstAt: 1, lastAt: 2 })
const count = (program: string, received: number) => ({
  ...{
    program,
    sentBytes: 7,
    sentPackets: 1,
    receivedBytes: received,
    receivedPackets: 1,
    sendRate: 0,
    receiveRate: 0,
  },
})
const report = {
  source: 'packets',
  seconds: 60,
  programs: [count('/usr/bin/curl', 900), count('/usr/bin/dig', 50)],
} as const
const listOf = (...keys: string[]) => ({
  by: 'program' as const,
  items: keys.map(sum),
  total: keys.length,
  isComplete: true,
})

test('what the kernel counted stands beside the flows, and who has nothing open now is there too', () => {
  const list = withCounted(listOf('/usr/bin/curl', '/usr/bin/ssh'), report, { now: 100_000, limit: 10 })
  expect(list).toMatchObject({ total: 3, counted: { source: 'packets', seconds: 60 } })
  expect(list.items.map(({ key, flows, counted }) => [key, flows, counted])).toEqual([
    ['/usr/bin/curl', 2, { bytesIn: 900, bytesOut: 7 }],
    ['/usr/bin/ssh', 2, undefined],
    ['/usr/bin/dig', 0, { bytesIn: 50, bytesOut: 7 }],
  ])
  expect(list.items[2]).toMatchObject({ firstAt: 40_000, lastAt: 100_000 })
})

test('a list that is cut short stays as short, and a program on its other pages is not shown as silent', () => {
  const cut = { ...listOf('/usr/bin/curl'), total: 2 }
  expect(withCounted(cut, report, { now: 0, limit: 1 })).toMatchObject({
    total: 2,
    items: [{ key: '/usr/bin/curl' }],
  })
})

const period = {
  programs: report.programs.map(({ sendRate, receiveRate, ...counts }) => counts),
  ...{ total: 2, since: 60_000, until: 120_000, seconds: 30 },
  sources: ['messages', 'sockets'] as const,
}

test('over a period what was captured and what was counted stand in one order, whoever was not captured', () => {
  const list = withCountedPeriod(listOf('/usr/bin/ssh', '/usr/bin/curl'), period, 10)
  expect(list.items.map(({ key, flows, counted }) => [key, flows, counted?.bytesIn])).toEqual([
    ['/usr/bin/curl', 2, 900],
    ['/usr/bin/dig', 0, 50],
    ['/usr/bin/ssh', 2, undefined],
  ])
  expect(list.counted).toEqual({ source: 'messages', otherSources: ['sockets'], seconds: 30, since: 60_000 })
  expect(withCountedPeriod(listOf('/usr/bin/ssh'), period, 1)).toMatchObject({
    total: 3,
    items: [{ key: '/usr/bin/curl' }],
  })
})

test('a period in which nothing was counted says nothing of counts', () => {
  const nothing = { ...period, programs: [], sources: [] }
  expect(withCountedPeriod(listOf('/usr/bin/ssh'), nothing, 10)).toEqual(listOf('/usr/bin/ssh'))
  expect(reportOf(nothing)).toBeUndefined()
  expect(reportOf(period)?.programs[0]).toMatchObject({ program: '/usr/bin/curl', receiveRate: 30 })
})
