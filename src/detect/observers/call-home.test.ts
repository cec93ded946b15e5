import { expect, test } from 'vitest'
import { observed } from '../../../test/support/observed.ts'
import { ip } from '../../model/address.ts'
import type { CallHome } from '../../model/call-home.ts'
import callHome from './call-home.ts'

const MINUTE = 60_000

function told(about: Partial<CallHome> = {}, settings: object = {}) {
  const machine = observed(callHome, settings)
  const habit: CallHome = {
    ...{ program: '/tmp/agent', peer: ip('203.0.113.9'), port: 443, openings: 20, intervalMs: 5 * MINUTE },
    ...{ jitter: 0.02, firstAt: machine.now - 100 * MINUTE, lastAt: machine.now },
    ...about,
  }
  const look = (): void => machine.observation.callHomes([habit], machine.now)
  look()
  return { machine, look, findings: machine.findings }
}

test('a program that calls the same place every five minutes is told of, once a day', () => {
  const { machine, look, findings } = told({ lastAt: Number.MAX_SAFE_INTEGER })
  expect(findings).toMatchObject([
    {
      ...{ detector: 'call-home', severity: 'low', subject: '203.0.113.9', evidence: { count: 20 } },
      summary: '/tmp/agent opened 20 connections to 203.0.113.9 port 443, one every 5 min',
      because: 'detectors.call-home.openings = 12',
    },
  ])
  machine.pass(3_600_000)
  look()
  expect(findings).toHaveLength(1)
  machine.pass(86_400_000)
  look()
  expect(findings).toHaveLength(2)
})

test.each([
  ['fewer openings than asked for', { openings: 11 }],
  ['intervals that differ', { jitter: 0.12 }],
  ['the time', { port: 123 }],
  ['what an earlier run saw, and is over', { lastAt: Date.UTC(2026, 0, 5) - 16 * MINUTE }],
])('nothing is told of %s', (_, about) => expect(told(about).findings).toEqual([]))

test('a program that may call home is left alone', () => {
  expect(told({}, { programs: ['/tmp/agent'] }).findings).toEqual([])
})

test('a timer that is scattered on purpose is told of from thirty openings on', () => {
  expect(told({ jitter: 0.2, openings: 29 }).findings).toEqual([])
  expect(told({ jitter: 0.2, openings: 30 }).findings).toMatchObject([
    {
      ...{ kind: 'scattered', severity: 'low', because: 'detectors.call-home.scatteredOpenings = 30' },
      summary: '/tmp/agent opened 30 connections to 203.0.113.9 port 443, one every 5 min, more or less',
    },
  ])
})
