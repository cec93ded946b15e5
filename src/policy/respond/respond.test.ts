import { describe, expect, test } from 'vitest'
import { ip, parseTarget, type Target } from '#model/address.ts'
import type { Finding, Severity } from '#model/finding.ts'
import { createAllowList } from '../allow-list.ts'
import { createResponder, type ResponderParts } from './respond.ts'
import { respondSettingsFor } from './settings.ts'

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
const settingsOf = (chosen: object = {}) => respondSettingsFor(['port-scan', 'flood']).parse(chosen)
const responder = (
  chosen: object = {},
  allowList = createAllowList([gateway]),
  memory: Pick<ResponderParts, 'repeats' | 'isTrusted' | 'isGuest'> = {},
) => createResponder({ settings: settingsOf(chosen), allowList, ...memory })

describe('with the settings as they come', () => {
  test.each<[Severity, string]>([
    ['info', 'record'],
    ['low', 'alert'],
    ['medium', 'alert'],
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

test('an alert without a block says which severity would have been enough', () => {
  expect(responder().judge(aFinding({ severity: 'low' })).because).toBe(
    'respond.blockFrom = high, and this is low',
  )
})

test('blockFrom never blocks nobody, whatever it is', () => {
  expect(responder({ blockFrom: 'never' }).judge(aFinding({ severity: 'critical' }))).toEqual({
    action: 'alert',
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
      action: 'alert',
      because: 'the senders are forged or too many to name: a block would hit strangers',
    })
  })

  test('when a finding names its own victim, whatever it says of blame', () => {
    expect(responder().judge(flood({})).action).toBe('alert')
  })

  test('for what is over', () => {
    const { evidence } = aFinding()
    const over = aFinding({ evidence: { ...evidence, endedAt: 10 } })
    expect(responder().judge(over)).toEqual({ action: 'alert', because: 'it is over' })
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
    expect(actions).toEqual(['block', 'block', 'block', 'limit'])
    expect(judge(from(5, 100)).because).toContain('respond.blocksPerMinute = 3')
  })

  test('comes back a minute later', () => {
    const { judge } = responder({ blocksPerMinute: 1 })
    expect([judge(from(1, 0)).action, judge(from(2, 59_999)).action, judge(from(3, 60_000)).action]).toEqual([
      'block',
      'limit',
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

describe('beyond the budget', () => {
  const from = (last: number, at: number, about: Partial<Finding> = {}) =>
    aFinding({ subject: ip(`198.51.100.${last}`), at, ...about })

  test('one alert a minute says that the addresses are probably forged', () => {
    const { judge } = responder({ blocksPerMinute: 1 })
    judge(from(1, 0))
    const told = [2, 3, 4, 5].map((last) => judge(from(last, last * 20_000 - 30_000)))
    const overflows = told.flatMap((verdict) => ('overflow' in verdict ? [verdict.overflow] : []))
    expect(overflows).toMatchObject([{ kind: 'too-many', blame: 'nobody', at: 10_000 }])
    expect(judge(from(6, 130_000)).action).toBe('block')
  })

  test('that alert itself leads to nothing', () => {
    const { judge } = responder({ blocksPerMinute: 0 })
    const verdict = judge(from(1, 0))
    const overflow = 'overflow' in verdict ? verdict.overflow : undefined
    expect(overflow && judge(overflow).action).toBe('alert')
  })

  test('who is proven is blocked all the same: nobody can forge a handshake', () => {
    const { judge } = responder({ blocksPerMinute: 0 })
    expect(judge(from(1, 0, { spoofable: false })).action).toBe('block')
  })

  test('no more than ten times as many are limited; the rest is only told', () => {
    const { judge } = responder({ blocksPerMinute: 1 })
    const actions = Array.from({ length: 13 }, (_, last) => judge(from(last, last)).action)
    expect(actions).toEqual(['block', ...Array(10).fill('limit'), 'alert', 'alert'])
  })

  test('nobody is limited where the settings say so', () => {
    const { judge } = responder({ blocksPerMinute: 0, beyondBudget: 'record' })
    expect(judge(from(1, 0)).action).toBe('alert')
  })
})

describe('a repeater', () => {
  const times = (count: number) =>
    responder({}, undefined, { repeats: () => ({ times: count, words: 'again' }) }).judge(aFinding())

  test.each([
    [0, 600],
    [1, 3_600],
    [2, 86_400],
    [3, 604_800],
    [9, 604_800],
  ])('after %i blocks gets %i seconds', (count, seconds) => {
    expect(times(count)).toMatchObject({ action: 'block', forSeconds: seconds })
  })

  test('is told that it is one', () => {
    expect([times(0), times(1)]).toMatchObject([{ action: 'block' }, { repeat: 'again' }])
    expect(times(0)).not.toHaveProperty('repeat')
  })

  test('gets no more than the first time without escalation', () => {
    const { judge } = responder({ escalation: [] }, undefined, { repeats: () => ({ times: 4, words: '' }) })
    expect(judge(aFinding())).toMatchObject({ forSeconds: 600 })
  })
})

describe('how sure a detector is', () => {
  test('decides between a block and an alert that says so', () => {
    expect(responder().judge(aFinding({ confidence: 0.69 }))).toEqual({
      action: 'alert',
      because: 'respond.minConfidence = 0.7, and this is 0.69',
    })
  })

  test.each([
    ['normal', 'medium', 0.9, 'alert'],
    ['aggressive', 'medium', 0.9, 'limit'],
    ['aggressive', 'high', 0.5, 'block'],
    ['paranoid', 'low', 0.9, 'limit'],
    ['paranoid', 'medium', 0.3, 'block'],
    ['paranoid', 'info', 0.9, 'alert'],
  ] as const)('in the profile %s, %s at %f leads to %s', (profile, severity, confidence, action) => {
    expect(responder({ profile }).judge(aFinding({ severity, confidence })).action).toBe(action)
  })

  test('a single setting wins over the profile, and a verdict names where its threshold comes from', () => {
    const severity = 'medium'
    expect(responder({ profile: 'paranoid' }).judge(aFinding({ severity })).because).toBe(
      'respond.blockFrom = medium (profile paranoid)',
    )
    expect(
      responder({ profile: 'paranoid', blockFrom: 'critical' }).judge(aFinding({ severity })).action,
    ).toBe('limit')
  })
})

describe('the mode of a detector', () => {
  test.each([
    ['off', 'ignore'],
    ['watch', 'alert'],
    ['suggest', 'suggest'],
    ['act', 'block'],
  ])('%s leads to %s', (mode, action) => {
    const { judge } = responder({ modes: { 'port-scan': mode } })
    expect(judge(aFinding()).action).toBe(action)
    expect(judge(aFinding({ detector: 'flood' })).action).toBe('block')
  })

  test('suggest becomes act for a detector that has earned it', () => {
    const isTrusted = (detector: string) => detector === 'port-scan'
    const { judge } = responder({ modes: { 'port-scan': 'suggest', flood: 'suggest' } }, undefined, {
      isTrusted,
    })
    expect([judge(aFinding()).action, judge(aFinding({ detector: 'flood' })).action]).toEqual([
      'block',
      'suggest',
    ])
  })

  test('a suggestion spends nothing of the budget', () => {
    const { judge } = responder({ blocksPerMinute: 1, modes: { 'port-scan': 'suggest' } })
    judge(aFinding())
    expect(judge(aFinding({ detector: 'flood', subject: ip('198.51.100.8') })).action).toBe('block')
  })

  test('of a detector that does not exist is refused', () => {
    expect(respondSettingsFor(['port-scan']).safeParse({ modes: { 'port-scam': 'off' } }).success).toBe(false)
  })
})

describe('an IPv6 network', () => {
  const attack = (address: string, about: Partial<Finding> = {}) =>
    aFinding({ subject: ip(address), spoofable: false, ...about })
  /** The targets that three attacks each from three links of each given /56 lead to. */
  const attacks = (
    judge: (finding: Finding) => unknown,
    sites: readonly string[],
    about: Partial<Finding> = {},
  ) =>
    sites.flatMap((site) =>
      [1, 2, 3].flatMap((link) =>
        [1, 2, 3].map(
          (host) => judge(attack(`2001:db8:5:${site}${link}::${host}`, about)) as { target?: string },
        ),
      ),
    )

  test('is blocked as a /64 once three of its addresses attacked, and not before', () => {
    const targets = attacks(responder().judge, ['aa'])
      .slice(0, 3)
      .map(({ target: named }) => named)
    expect(targets).toEqual(['2001:db8:5:aa1::1', '2001:db8:5:aa1::2', '2001:db8:5:aa1::/64'])
  })

  test('is blocked as a /56 after three such links, and as a /48 after three such sites', () => {
    const answers = attacks(responder().judge, ['aa', 'bb', 'cc'])
    expect(answers[8]?.target).toBe('2001:db8:5:a00::/56')
    expect(answers.at(-1)?.target).toBe('2001:db8:5::/48')
  })

  test('never wider than a /64 for sources that may be forged', () => {
    const answers = attacks(responder().judge, ['aa', 'bb', 'cc'], { spoofable: true })
    expect(answers.at(-1)?.target).toBe('2001:db8:5:cc3::/64')
  })

  test('is left alone where the allow list has a part of it: the next smaller one is blocked', () => {
    const own = { target: target('2001:db8:5:aff::1'), source: 'own', note: 'ours' } as const
    const answers = attacks(responder({}, createAllowList([own])).judge, ['aa'])
    expect(answers[8]?.target).toBe('2001:db8:5:aa3::/64')
    const near = { target: target('2001:db8:5:aa1::99'), source: 'own', note: 'ours' } as const
    expect(attacks(responder({}, createAllowList([near])).judge, ['aa'])[2]?.target).toBe('2001:db8:5:aa1::3')
  })

  test('is forgotten after an hour, and never named where the setting is 0', () => {
    const { judge } = responder()
    const hour = 3_600_000
    const targets = [1, 2, 3].map((n) => judge(attack(`2001:db8:7::${n}`, { at: n * hour })))
    expect(targets.at(-1)).toMatchObject({ target: '2001:db8:7::3' })
    expect(attacks(responder({ ipv6WidenAfter: 0 }).judge, ['aa'])[8]?.target).toBe('2001:db8:5:aa3::3')
  })

  test('one address that attacks again and again stays one address', () => {
    const { judge } = responder()
    const targets = [1, 2, 3, 4].map((at) => judge(attack('2001:db8:8::1', { at })))
    expect(targets.at(-1)).toMatchObject({ target: '2001:db8:8::1' })
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
  expect(respondSettingsFor([]).safeParse({ ipv6PrefixBits: 32 }).success).toBe(false)
})
