import { describe, expect, test } from 'vitest'
import { ip, parseTarget, type Target } from '#model/address.ts'
import type { Finding, Severity } from '#model/finding.ts'
import { createAllowList } from '../allow-list.ts'
import { createResponder } from './respond.ts'
import { type RespondSettings, respondSettings } from './settings.ts'

const target = (text: string): Target => {
  const parsed = parseTarget(text)
  if (parsed === undefined) throw new Error(`test setup: ${text}`)
  return parsed
}

const aFinding = (about: Partial<Finding> = {}): Finding => ({
  detector: 'port-scan',
  kind: 'syn',
  severity: 'high',
  confidence: 0.9,
  at: 0,
  subject: ip('198.51.100.7'),
  summary: '198.51.100.7 tried 10 ports',
  key: 'k',
  technique: 'T1046',
  because: 'detectors.port-scan.ports = 10',
  evidence: { firstAt: 0, lastAt: 0, count: 10, ratePerSecond: 1, samples: [] },
  spoofable: true,
  ...about,
})

const gateway = { target: target('192.0.2.1'), source: 'gateway', note: 'default gateway of eth0' } as const
const responder = (settings: Partial<RespondSettings> = {}, allowList = createAllowList([gateway])) =>
  createResponder({ settings: respondSettings.parse(settings), allowList })

describe('with the settings as they come', () => {
  test.each<[Severity, string]>([
    ['info', 'record'],
    ['low', 'record'],
    ['medium', 'record'],
    ['high', 'block'],
    ['critical', 'block'],
  ])('a finding of severity %s leads to %s', (severity, action) => {
    expect(responder().judge(aFinding({ severity })).action).toBe(action)
  })

  test('a block lasts ten minutes and names the setting that made it', () => {
    expect(responder().judge(aFinding())).toEqual({
      action: 'block',
      because: 'respond.blockFrom = high',
      target: '198.51.100.7',
      forSeconds: 600,
    })
  })
})

test('a verdict to record says which severity would have been enough', () => {
  expect(responder().judge(aFinding({ severity: 'low' })).because).toBe(
    'respond.blockFrom = high, and this is low',
  )
})

test('blockFrom never records even what is critical', () => {
  expect(responder({ blockFrom: 'never' }).judge(aFinding({ severity: 'critical' }))).toEqual({
    action: 'record',
    because: 'respond.blockFrom = never',
  })
})

test('the gateway is spared, by name', () => {
  expect(responder().judge(aFinding({ subject: ip('192.0.2.1') }))).toEqual({
    action: 'spare',
    because: 'the allow list has 192.0.2.1 (gateway): default gateway of eth0',
  })
})

describe('nobody is blocked', () => {
  const victim = ip('198.51.100.80')
  const flood = (about: Partial<Finding>) =>
    aFinding({ detector: 'flood', kind: 'syn', severity: 'critical', subject: victim, victim, ...about })

  test('for a flood from forged sources, least of all the victim', () => {
    expect(responder().judge(flood({ blame: 'nobody' }))).toEqual({
      action: 'record',
      because: 'the senders are forged or too many to name: a block would hit strangers',
    })
  })

  test('when a finding names its own victim, whatever it says of blame', () => {
    expect(responder().judge(flood({})).action).toBe('record')
  })

  test('for what is over', () => {
    const { evidence } = aFinding()
    const over = aFinding({ evidence: { ...evidence, endedAt: 10 } })
    expect(responder().judge(over)).toEqual({ action: 'record', because: 'it is over' })
  })

  test('and the budget is not spent on it', () => {
    const { judge } = responder({ blocksPerMinute: 1 })
    judge(flood({ blame: 'nobody' }))
    expect(judge(aFinding()).action).toBe('block')
  })
})

describe('the budget', () => {
  const from = (last: number, at: number) => aFinding({ subject: ip(`198.51.100.${last}`), at })

  test('stops a forger from shutting out more strangers than it allows', () => {
    const { judge } = responder({ blocksPerMinute: 3 })
    const actions = [1, 2, 3, 4].map((last) => judge(from(last, last)).action)
    expect(actions).toEqual(['block', 'block', 'block', 'record'])
    expect(judge(from(5, 100)).because).toContain('respond.blocksPerMinute = 3')
  })

  test('comes back a minute later', () => {
    const { judge } = responder({ blocksPerMinute: 1 })
    expect([judge(from(1, 0)).action, judge(from(2, 59_999)).action, judge(from(3, 60_000)).action]).toEqual([
      'block',
      'record',
      'block',
    ])
  })

  test('counts an address that goes on scanning once', () => {
    const { judge } = responder({ blocksPerMinute: 2 })
    const actions = [1, 1, 1, 2].map((last, at) => judge(from(last, at)).action)
    expect(actions).toEqual(['block', 'block', 'block', 'block'])
  })

  test('is not spent on the spared', () => {
    const { judge } = responder({ blocksPerMinute: 1 })
    judge(aFinding({ subject: ip('192.0.2.1') }))
    expect(judge(from(1, 0)).action).toBe('block')
  })
})

describe('an IPv6 source', () => {
  const subject = ip('2001:db8:0:7::5')

  test('is blocked as one address, unless the setting says network', () => {
    expect(responder().judge(aFinding({ subject }))).toMatchObject({ target: subject })
    expect(responder({ ipv6PrefixBits: 64 }).judge(aFinding({ subject }))).toMatchObject({
      target: '2001:db8:0:7::/64',
    })
  })

  test('is blocked alone where a neighbour in its network is on the allow list', () => {
    const own = { target: target('2001:db8:0:7::1'), source: 'own', note: 'our own address' } as const
    const verdict = responder({ ipv6PrefixBits: 64 }, createAllowList([own])).judge(aFinding({ subject }))
    expect(verdict).toMatchObject({ action: 'block', target: subject })
  })
})

test('no automatic block may name more than an IPv6 /48', () => {
  expect(respondSettings.safeParse({ ipv6PrefixBits: 32 }).success).toBe(false)
})
