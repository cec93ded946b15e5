import { describe, expect, test } from 'vitest'
import { carriedBy, observed, type SomeTraffic } from '../../../test/support/observed.ts'
import outboundTransfer from './outbound-transfer.ts'

const HOUR = 3_600_000
const MB = 1e6

function watch(settings: object = {}) {
  const machine = observed(outboundTransfer, settings)
  const hour = (about: SomeTraffic): void => {
    machine.carry(carriedBy(about))
    machine.pass(HOUR)
  }
  return { machine, hour }
}

test('two gigabytes to one host within an hour are told of once', () => {
  const { machine } = watch()
  for (let part = 0; part < 30; part++) {
    machine.carry(carriedBy({ sent: 100 * MB }))
    machine.pass(60_000)
  }
  expect(machine.findings).toMatchObject([
    {
      ...{ detector: 'outbound-transfer', kind: 'large', subject: '203.0.113.9', technique: 'T1048' },
      because: 'detectors.outbound-transfer.megabytes = 2000',
      summary: '/usr/bin/sync sent 2.1 GB to 203.0.113.9 within an hour',
    },
  ])
})

test('far more than this program sends to this host is told of, though it is not much', () => {
  const { machine, hour } = watch()
  for (let at = 0; at < 31 * 24; at++) hour({ sent: 40 * MB })
  expect(machine.findings).toEqual([])
  hour({ sent: 300 * MB })
  expect(machine.findings).toMatchObject([{ kind: 'unusual', severity: 'low' }])
  expect(machine.findings[0]?.summary).toMatch(
    /sent 300 MB to 203\.0\.113\.9 within an hour; usual are 40 MB$/,
  )
})

describe('nothing is told of', () => {
  test.each([
    ['what is fetched', { received: 9_000 * MB }],
    ['what is served to those who come', { sent: 9_000 * MB, direction: 'inbound' }],
    ['what stays on the machine', { sent: 9_000 * MB, direction: 'local' }],
    ['a storage in the house', { sent: 9_000 * MB, special: 'private' }],
  ] as const)('%s', (_, about) => {
    const { machine, hour } = watch()
    hour(about)
    expect(machine.findings).toEqual([])
  })

  test('the backup of each night, once it is known', () => {
    const { machine, hour } = watch()
    const night = (): void => {
      for (let at = 0; at < 23; at++) hour({ sent: 1 * MB })
      hour({ sent: 8_000 * MB })
    }
    for (let day = 0; day < 31; day++) night()
    const before = machine.findings.length
    expect(before).toBeGreaterThan(20)
    for (let day = 0; day < 14; day++) night()
    expect(machine.findings.length).toBe(before)
  })
})

test('a storage in the house is looked at where somebody wants it', () => {
  const { machine, hour } = watch({ withPrivate: true })
  hour({ sent: 9_000 * MB, special: 'private' })
  expect(machine.findings).toHaveLength(1)
})
