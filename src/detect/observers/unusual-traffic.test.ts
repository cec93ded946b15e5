import { describe, expect, test } from 'vitest'
import { carriedBy, observed, type SomeTraffic } from '../../../test/support/observed.ts'
import unusualTraffic from './unusual-traffic.ts'

const HOUR = 3_600_000
const MB = 1e6

function watch(settings: object = {}) {
  const machine = observed(unusualTraffic, settings)
  const hour = (about: SomeTraffic): void => {
    for (let part = 0; part < 4; part++) {
      machine.carry(carriedBy({ ...about, sent: (about.sent ?? 0) / 4, received: (about.received ?? 0) / 4 }))
      machine.pass(HOUR / 4)
    }
  }
  const weeks = (count: number, sent: (hour: number) => number): void => {
    for (let at = 0; at < count * 168; at++) hour({ sent: sent(at) })
  }
  const told = () => machine.findings.map(({ summary }) => summary.replace(/ within.*/, ''))
  return { machine, hour, weeks, told }
}

/** By day 60 MB, by night next to nothing. */
const daily = (hour: number): number => (hour % 24 >= 8 && hour % 24 < 18 ? 60 + (hour % 7) * 5 : 2) * MB

test('more than three times what is usual, and beyond the spread, is told of, once an hour', () => {
  const { machine, weeks, hour, told } = watch()
  weeks(5, daily)
  expect(told()).toEqual([])
  hour({ sent: 150 * MB })
  expect(told()).toEqual([
    'program /usr/bin/sync: 113 MB sent',
    'host 203.0.113.9: 113 MB sent',
    'service 443/tcp elsewhere: 113 MB sent',
  ])
  expect(machine.findings[0]).toMatchObject({
    ...{ detector: 'unusual-traffic', kind: 'sent', severity: 'medium', subject: '203.0.113.9' },
    because: 'detectors.unusual-traffic.percent = 300',
  })
  expect(machine.findings[0]?.summary).toContain('and usual are 2.0 MB')
})

describe('nothing is told of', () => {
  test('what is usual at this hour, however much it is', () => {
    const { weeks, told } = watch()
    weeks(8, (hour) => (hour % 168 === 75 ? 5_000 : 10) * MB)
    expect(told()).toEqual([])
  })

  test('what differs as much as it always does', () => {
    const { weeks, told } = watch()
    weeks(8, (hour) => (hour % 5 === 0 ? 400 : 20) * MB)
    expect(told()).toEqual([])
  })

  test('a little that became a little more', () => {
    const { weeks, hour, told } = watch()
    weeks(5, () => 2 * MB)
    hour({ sent: 90 * MB })
    expect(told()).toEqual([])
  })

  test('anything before it is known what is usual, and the status says so', () => {
    const { machine, weeks, hour, told } = watch()
    expect(machine.health?.state === 'ok' && machine.health.note).toBe(
      'learns what is usual until 2026-02-04; says nothing before',
    )
    weeks(4, () => 2 * MB)
    hour({ sent: 5_000 * MB })
    expect(told()).toEqual([])
    weeks(1, () => 2 * MB)
    expect(machine.health).toMatchObject({ state: 'ok', note: 'watching' })
  })
})

test('a new habit is told of at first, and becomes usual', () => {
  const { weeks, told } = watch()
  weeks(5, () => 20 * MB)
  const sent = (): number => told().filter((summary) => summary.startsWith('program')).length
  weeks(1, () => 150 * MB)
  expect(sent()).toBeGreaterThan(20)
  weeks(8, () => 150 * MB)
  const before = sent()
  weeks(1, () => 150 * MB)
  expect(sent()).toBe(before)
})

test('what was learned survives a restart, and time without a watch is not taken for quiet', () => {
  const { machine, weeks, hour, told } = watch()
  weeks(5, () => 100 * MB)
  expect(machine.restart(14 * 24 * HOUR)).toHaveLength(3)
  hour({ sent: 250 * MB })
  expect(told()).toEqual([])
  hour({ sent: 450 * MB })
  expect(told()).toContain('program /usr/bin/sync: 338 MB sent')
})

test('a clock that is set, and a machine that sleeps, teach nothing', () => {
  const { machine, weeks, hour, told } = watch()
  weeks(5, () => 100 * MB)
  for (let times = 0; times < 40; times++) {
    machine.carry(carriedBy({ sent: 1 }))
    machine.pass(times % 2 === 0 ? -5 * HOUR : 7 * HOUR)
  }
  hour({ sent: 250 * MB })
  expect(told()).toEqual([])
})

test('a million hosts take no more room than is theirs, and the large ones keep theirs', () => {
  const { machine, hour, told } = watch({ learnDays: 1 })
  for (let at = 0; at < 3; at++) hour({ sent: 300 * MB })
  for (let at = 0; at < 26; at++) {
    for (let host = 0; host < 30; host++) {
      for (let part = 0; part < 700; part++) {
        const peer = `10.${at}.${host}.${part % 250}`
        machine.carry(carriedBy({ peer, program: `/tmp/${at}-${host}-${part}`, sent: 2 * MB }))
      }
    }
    hour({ sent: 300 * MB })
  }
  expect(machine.restart().length).toBeLessThanOrEqual(2_000)
  hour({ sent: 5_000 * MB })
  expect(told().filter((summary) => summary.startsWith('program /usr/bin/sync'))).not.toEqual([])
})
