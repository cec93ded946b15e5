import { describe, expect, test } from 'vitest'
import { observed } from '../../../test/support/observed.ts'
import { ip } from '../../model/address.ts'
import type { NewSighting } from '../../model/first-seen.ts'
import firstSeen from './first-seen.ts'

const DAY = 86_400_000

/** A machine that is watched since 30 days, and something that it sees for the first time now. */
function seen(about: Partial<NewSighting>, settings: object = {}) {
  const machine = observed(firstSeen, settings)
  machine.observation.watchedSince(machine.now - 30 * DAY)
  const sighting: NewSighting = {
    ...{ kind: 'program', program: '/usr/bin/new', address: ip('203.0.113.9'), peers: 1 },
    ...{ at: machine.now, programAt: machine.now },
    ...about,
  }
  machine.observation.firstSeen([sighting], machine.now)
  return machine.findings
}

const START = Date.UTC(2026, 0, 5)
const known = START - 20 * DAY

test('a program that was never seen is noted', () => {
  expect(seen({})).toMatchObject([
    {
      ...{ detector: 'first-seen', kind: 'program', severity: 'info', subject: '203.0.113.9' },
      summary: '/usr/bin/new was seen for the first time, with 203.0.113.9',
      because: 'detectors.first-seen.kinds has program',
    },
  ])
})

test('a known program that talks to another country is told of', () => {
  const country = { kind: 'program-country', peer: 'NZ', programAt: known } as const
  expect(seen(country)).toMatchObject([
    { severity: 'low', summary: '/usr/bin/new talked to NZ for the first time, with 203.0.113.9' },
  ])
})

test('a known program that talks to another host is told of where somebody wants it', () => {
  const host = { kind: 'program-host', peer: '203.0.113.9', programAt: known } as const
  expect(seen(host)).toEqual([])
  expect(seen(host, { kinds: ['program-host'] })).toMatchObject([
    { summary: '/usr/bin/new talked to 203.0.113.9 for the first time' },
  ])
})

describe('nothing is told of', () => {
  const country = { kind: 'program-country', peer: 'NZ' } as const
  test.each([
    ['what a program meets in its first week', { ...country, programAt: START - 6 * DAY }],
    ['the kernel, which answers whoever asks', { program: 'kernel' }],
    ['a browser, which meets new ones all the time', { ...country, programAt: known, peers: 21 }],
  ])('%s', (_, about) => expect(seen(about)).toEqual([]))

  test('anything on a machine that is new itself, and the status says so', () => {
    const machine = observed(firstSeen)
    const sighting = { kind: 'program', program: '/bin/a', address: ip('203.0.113.9'), peers: 1 } as const
    const say = (): void =>
      machine.observation.firstSeen([{ ...sighting, at: machine.now, programAt: machine.now }], machine.now)
    say()
    machine.pass(6 * DAY)
    say()
    expect(machine.findings).toEqual([])
    expect(machine.health).toMatchObject({
      note: 'learns what is usual until 2026-01-12; says nothing before',
    })
    machine.pass(DAY)
    say()
    expect(machine.findings).toHaveLength(1)
    expect(machine.health).toMatchObject({ note: 'watching' })
  })
})
