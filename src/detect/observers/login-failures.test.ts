import { describe, expect, test } from 'vitest'
import { range } from '../../../test/support/scene.ts'
import { ip } from '../../model/address.ts'
import type { Finding } from '../../model/finding.ts'
import type { LoginAttempt } from '../../model/login.ts'
import { createObservation } from '../observation.ts'
import loginFailures from './login-failures.ts'

const START = Date.UTC(2026, 0, 1)

function watch(settings: object = {}) {
  const findings: Finding[] = []
  const observation = createObservation({
    observers: [loginFailures as never],
    settings: { 'login-failures': settings },
    now: START,
    onFinding: (finding) => findings.push(finding),
  })
  let at = START
  return {
    findings,
    observation,
    pass(milliseconds: number) {
      at += milliseconds
      observation.tick(at)
    },
    try(about: Partial<LoginAttempt> = {}) {
      at += 100
      observation.login({
        ...{ at, program: 'sshd', service: 'ssh', outcome: 'refused', times: 1 },
        ...{ address: ip('203.0.113.9'), user: 'root' },
        ...about,
      })
    },
  }
}

test('six wrong passwords within ten minutes are told, with whom they were for', () => {
  const log = watch()
  for (const user of ['root', 'admin', 'root', 'pi', 'oracle']) log.try({ user })
  expect(log.findings).toEqual([])
  log.try({ user: 'git' })
  expect(log.findings).toMatchObject([
    {
      ...{ detector: 'login-failures', kind: 'ssh', technique: 'T1110', severity: 'high', confidence: 0.9 },
      ...{ subject: '203.0.113.9', spoofable: false, evidence: { count: 6 } },
      because: 'detectors.login-failures.failures = 6',
      summary: '203.0.113.9 failed to log in 6 times at ssh (root, admin, pi, oracle, git) in 0.5 s',
    },
  ])
})

test('a story that goes on is told again more and more rarely, and soon after a block was lifted', () => {
  const log = watch()
  for (const _ of range(300)) log.try()
  expect(log.findings.length).toBeLessThan(6)
  const before = log.findings.length
  log.observation.released(ip('203.0.113.9'))
  for (const _ of range(6)) log.try()
  expect(log.findings.length).toBe(before + 1)
})

test('who takes an hour for each try is told of within two days', () => {
  const log = watch()
  for (const _ of range(48)) {
    log.try()
    log.pass(1_500_000)
  }
  expect(log.findings[0]).toMatchObject({ because: 'detectors.login-failures.slowFailures = 40' })
})

test('who gets in after many failures is told of at once', () => {
  const log = watch({ failures: 3 })
  for (const _ of range(4)) log.try()
  log.try({ outcome: 'accepted', user: 'anna' })
  expect(log.findings.at(-1)).toMatchObject({ kind: 'ssh broken in', severity: 'critical' })
  expect(log.findings.at(-1)?.summary).toContain('logged in at ssh as anna after 4 failures')
})

test('who takes another address of IPv6 for each try is told of by each, once there were enough', () => {
  const log = watch()
  for (const n of range(9)) log.try({ address: ip(`2001:db8:1:2::${n}`) })
  expect(log.findings.map(({ subject }) => subject)).toEqual([6, 7, 8, 9].map((n) => `2001:db8:1:2::${n}`))
  log.try({ address: ip('2001:db8:1:3::1') })
  expect(log.findings).toHaveLength(4)
})

describe('nobody is blamed', () => {
  test('who mistypes a password twice a day', () => {
    const log = watch()
    for (const _ of range(30)) {
      for (const _ of range(2)) log.try()
      log.try({ outcome: 'accepted' })
      log.pass(86_400_000 / 2)
    }
    expect(log.findings).toEqual([])
  })

  test('a monitoring host that only looks whether the port answers, every minute of a day', () => {
    const log = watch()
    for (const _ of range(1_440)) {
      log.try({ outcome: 'probed' })
      log.pass(60_000)
    }
    expect(log.findings).toEqual([])
  })

  test('many visits are no more than a warning', () => {
    const log = watch()
    for (const _ of range(100)) log.try({ outcome: 'probed' })
    expect(new Set(log.findings.map(({ severity }) => severity))).toEqual(new Set(['medium']))
  })

  test('what happens on the machine itself is a warning about itself', () => {
    const log = watch()
    for (const _ of range(2))
      log.try({ address: undefined as never, service: 'sudo', times: 3, user: 'anna' })
    expect(log.findings).toMatchObject([{ subject: '127.0.0.1', severity: 'medium', kind: 'sudo' }])
  })
})

test('a crowd of strangers neither fills the table for long nor pushes out who is watched', () => {
  const log = watch()
  for (const _ of range(5)) log.try()
  for (const index of range(40_000)) {
    const address = ip(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`)
    log.try({ address, user: `user-${index}` })
  }
  log.try()
  expect(log.findings.map(({ subject }) => subject)).toEqual([])
  for (const _ of range(6)) log.try()
  expect(log.findings[0]?.subject).toBe('203.0.113.9')
})

describe('guessing at one account that many addresses share out', () => {
  const HOUR = 3_600_000
  const from = (n: number) => ({ address: ip(`198.51.100.${n}`) })

  test('is told once, and blames nobody; who comes a third time is', () => {
    const log = watch()
    for (const round of range(2)) {
      for (const n of range(12)) log.try(from(n))
      log.pass(HOUR * round)
    }
    expect(log.findings).toMatchObject([
      {
        ...{ kind: 'ssh shared out', severity: 'medium', blame: 'nobody', subject: '127.0.0.1' },
        because: 'detectors.login-failures.sharedSources = 10',
        evidence: { sources: 10, hosts: expect.arrayContaining(['198.51.100.1', '198.51.100.10']) },
      },
    ])
    log.try(from(3))
    expect(log.findings[1]).toMatchObject({
      ...{ kind: 'ssh', severity: 'high', confidence: 0.8, subject: '198.51.100.3' },
      because: 'detectors.login-failures.sharedFailures = 3',
    })
  })

  test('is none by those who fail at accounts of their own, nor within one /64', () => {
    const log = watch()
    for (const n of range(40)) log.try({ ...from(n), user: `user-${n}` })
    for (const n of range(5)) log.try({ address: ip(`2001:db8::${n}`) })
    expect(log.findings).toEqual([])
  })

  test('does not hit the owner of the account, who got in that day and mistypes', () => {
    const log = watch()
    const owner = { address: ip('192.0.2.50') }
    log.try({ ...owner, outcome: 'accepted' })
    for (const n of range(12)) log.try(from(n))
    for (const _ of range(4)) log.try(owner)
    expect(log.findings.map(({ kind }) => kind)).toEqual(['ssh shared out'])
  })

  test('is forgotten after a day', () => {
    const log = watch()
    for (const n of range(9)) log.try(from(n))
    log.pass(25 * HOUR)
    for (const n of range(20, 12)) log.try(from(n))
    expect(log.findings).toEqual([])
  })
})
