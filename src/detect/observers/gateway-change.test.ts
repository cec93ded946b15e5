import { describe, expect, test } from 'vitest'
import { observed } from '../../../test/support/observed.ts'
import { ip } from '../../model/address.ts'
import type { AllowEntry } from '../../model/allow.ts'
import gatewayChange from './gateway-change.ts'

function machine(settings: object = {}) {
  const one = observed(gatewayChange, settings)
  return {
    told: () =>
      one.findings.map(({ kind, severity, subject, summary }) => ({ kind, severity, subject, summary })),
    /** For so many seconds these are its gateways and DNS servers. */
    has(gateways: readonly string[], dns: readonly string[], seconds = 20): void {
      const entry =
        (source: AllowEntry['source']) =>
        (address: string): AllowEntry => ({ target: ip(address), source, note: '' })
      const entries = [...gateways.map(entry('gateway')), ...dns.map(entry('dns')), entry('own')('192.0.2.7')]
      for (let second = 0; second < seconds; second++) {
        one.observation.surroundings(entries, one.now)
        one.pass(1000)
      }
    },
  }
}

const [GATEWAY, OTHER, DNS] = ['192.0.2.1', '192.0.2.66', '192.0.2.53']

test('another gateway, and other DNS servers, are told of once', () => {
  const { has, told } = machine()
  has([GATEWAY], [DNS])
  has([OTHER], [DNS])
  has([OTHER], [OTHER])
  expect(told()).toEqual([
    {
      ...{ kind: 'gateway', severity: 'medium', subject: OTHER },
      summary: 'The default gateway of this machine changed from 192.0.2.1 to 192.0.2.66',
    },
    {
      ...{ kind: 'dns', severity: 'medium', subject: OTHER },
      summary: 'The DNS servers of this machine changed from 192.0.2.53 to 192.0.2.66',
    },
  ])
})

test('one server less is only noted', () => {
  const { has, told } = machine()
  has([GATEWAY], [DNS, OTHER])
  has([GATEWAY], [DNS])
  expect(told()).toMatchObject([{ kind: 'dns', severity: 'info', subject: OTHER }])
})

describe('nothing is told of', () => {
  test('what was there at the start, also when it comes late', () => {
    const { has, told } = machine()
    has([], [])
    has([GATEWAY], [DNS])
    expect(told()).toEqual([])
  })

  test('an interface that restarts', () => {
    const { has, told } = machine()
    has([GATEWAY], [DNS, OTHER])
    has([], [])
    has([GATEWAY], [OTHER, DNS])
    has([OTHER], [DNS, OTHER], 3)
    has([GATEWAY], [DNS, OTHER])
    expect(told()).toEqual([])
  })

  test('what nobody wants to hear of', () => {
    const { has, told } = machine({ kinds: ['gateway'] })
    has([GATEWAY], [DNS])
    has([GATEWAY], [OTHER])
    expect(told()).toEqual([])
  })
})
