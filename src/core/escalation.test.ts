import { expect, test } from 'vitest'
import { ip, parseTarget, type Target } from '#model/address.ts'
import type { Decision } from '#model/decision.ts'
import { createEscalation } from './escalation.ts'

const ATTACKER = ip('203.0.113.9')
const MINUTE = 60_000
const DAY = 86_400_000

const decision = (about: Partial<Decision> = {}): Decision => ({
  id: 1,
  at: 0,
  kind: 'block',
  target: ATTACKER,
  actor: 'port-scan',
  reason: 'tried 6 ports',
  forSeconds: 600,
  alertId: 1,
  ...about,
})

const target = (text: string) => parseTarget(text) as Target

test('counts the blocks of the last days, and says which time the next one is', () => {
  const { learn, repeats } = createEscalation(() => 7, [decision()])
  expect(repeats(ATTACKER, 20 * MINUTE)).toEqual({ times: 1, words: 'second time in 7 days' })
  learn(decision({ at: 30 * MINUTE }))
  expect(repeats(ATTACKER, 50 * MINUTE)).toEqual({ times: 2, words: 'third time in 7 days' })
  expect(repeats(ip('203.0.113.8'), 50 * MINUTE).times).toBe(0)
})

test('passes by decisions about other things than addresses', () => {
  const { learn, repeats } = createEscalation(() => 7, [])
  const about = (kind: Decision['kind'], text: string) => learn(decision({ kind, target: text as Target }))
  about('unshield', 'UDP 192.0.2.1:53')
  about('feed', 'feed https://lists.example/bad')
  expect(repeats(ATTACKER, 0).times).toBe(0)
})

test('counts a block once that was made longer while it stood, and two addresses of one network as two', () => {
  const { learn, repeats } = createEscalation(() => 7, [decision()])
  learn(decision({ at: MINUTE, forSeconds: 3_600 }))
  expect(repeats(ATTACKER, 2 * MINUTE).times).toBe(1)
  learn(decision({ at: 62 * MINUTE }))
  expect(repeats(ATTACKER, 63 * MINUTE).times).toBe(2)
  for (const text of ['2001:db8::1', '2001:db8::2']) learn(decision({ target: target(text) }))
  expect(repeats(ip('2001:db8::3'), MINUTE).times).toBe(2)
})

test('forgets a block some days after it ended, not after it began: a week of being shut out is no good conduct', () => {
  const { repeats } = createEscalation(() => 7, [decision({ forSeconds: 604_800 })])
  expect(repeats(ATTACKER, 13.9 * DAY).times).toBe(1)
  expect(repeats(ATTACKER, 14 * DAY).times).toBe(0)
})

test('begins anew when a person unblocked the address, not when its time was over or the allow list freed it', () => {
  const { learn, repeats } = createEscalation(() => 7, [decision()])
  learn(decision({ kind: 'expire', actor: 'gatehouse' }))
  learn(decision({ kind: 'unblock', actor: 'gatehouse' }))
  expect(repeats(ATTACKER, MINUTE).times).toBe(1)
  learn(decision({ kind: 'unblock', actor: 'anna' }))
  expect(repeats(ATTACKER, MINUTE).times).toBe(0)
})

test('does not count what a person blocked of their own accord, nor limits', () => {
  const { alertId: _, ...byHand } = decision({ actor: 'anna' })
  const { repeats } = createEscalation(() => 7, [byHand, decision({ kind: 'limit' })])
  expect(repeats(ATTACKER, MINUTE).times).toBe(0)
})

test('counts the addresses of an IPv6 /64 together, and the wider networks around it', () => {
  const past = ['2001:db8:5:a1::1', '2001:db8:5:a1::2', '2001:db8:5:a1::/64', '2001:db8:5:a00::/56']
  const { repeats } = createEscalation(
    () => 7,
    past.map((text) => decision({ target: target(text) })),
  )
  expect(repeats(ip('2001:db8:5:a1::77'), MINUTE).times).toBe(3)
  expect(repeats(ip('2001:db8:5:a99::1'), MINUTE).times).toBe(1)
})

test('an attacker with many addresses cannot make it grow without end', () => {
  const { learn, repeats } = createEscalation(() => 7, [])
  for (let n = 0; n < 200_000; n++) {
    learn(decision({ target: ip(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`) }))
  }
  expect(repeats(ip('10.0.0.0'), MINUTE).times).toBe(0)
  expect(repeats(ip(`10.3.13.63`), MINUTE).times).toBe(1)
})
