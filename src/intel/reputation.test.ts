import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { reputationOf, type Testimony } from './reputation.ts'

const NOW = Date.UTC(2026, 10, 20)
const DAY = 86_400_000

const list = (more: Partial<Extract<Testimony, { kind: 'list' }>> = {}): Testimony => ({
  kind: 'list',
  title: 'Feodo',
  category: 'command-and-control',
  confidence: 100,
  at: NOW,
  ...more,
})
const detection = (days: number): Testimony => ({
  kind: 'detection',
  detector: 'port-scan',
  severity: 'high',
  confidence: 1,
  at: NOW - days * DAY,
})

test('of what nothing is known the reputation is 0, and age or package alone say nothing', () => {
  expect(reputationOf([], NOW)).toEqual({ score: 0, factors: [] })
  const good: Testimony[] = [
    { kind: 'first-seen', at: NOW - 300 * DAY },
    { kind: 'file', state: 'packaged' },
  ]
  expect(reputationOf(good, NOW)).toEqual({ score: 0, factors: [] })
})

test.each<[string, Testimony, number, string]>([
  ['a list of command servers', list(), 95, 'on Feodo, 100 % sure'],
  ['a list that is half sure', list({ confidence: 50, reason: 'QakBot' }), 48, 'on Feodo, 50 % sure: QakBot'],
  ['a list of Tor exits', list({ category: 'anonymity', title: 'Tor' }), 25, 'on Tor, 100 % sure'],
  ['a list that nobody could have for a month', list({ at: NOW - 30 * DAY }), 48, 'on Feodo, 100 % sure'],
  [
    'a service',
    { kind: 'service', title: 'VirusTotal', score: 90, at: NOW },
    81,
    'VirusTotal gives it 90 of 100 today',
  ],
  ['a detection', detection(0), 60, 'port-scan found it today (high)'],
  ['a detection a week ago', detection(7), 30, 'port-scan found it 7 days ago (high)'],
  [
    'a person',
    { kind: 'block', by: 'person', actor: 'anna', at: NOW - DAY },
    57,
    'blocked by anna 1 day ago',
  ],
  ['being new', { kind: 'first-seen', at: NOW }, 5, 'first seen within a day'],
  [
    'the country',
    { kind: 'country', code: 'KP', weight: 30 },
    30,
    'in KP, as intel.reputation.countries has it',
  ],
  [
    'a peer',
    { kind: 'peer', address: '192.0.2.1', score: 80 },
    40,
    'talks to 192.0.2.1, whose reputation is 80',
  ],
  [
    'a file that changed',
    { kind: 'file', state: 'changed' },
    40,
    'its file is not as it came with its package',
  ],
])('%s speaks for itself', (_, testimony, score, sentence) => {
  expect(reputationOf([testimony], NOW)).toEqual({
    score,
    factors: [{ kind: testimony.kind, sentence, points: score }],
  })
})

describe('together', () => {
  test('the heaviest comes first, and each says what it adds', () => {
    const { score, factors } = reputationOf([detection(7), list({ category: 'attacks', title: 'CINS' })], NOW)
    expect([score, factors.map(({ kind, points }) => [kind, points])]).toEqual([
      79,
      [
        ['list', 70],
        ['detection', 9],
      ],
    ])
  })

  test('who is known for long is believed more, unless they were caught here', () => {
    const known: Testimony = { kind: 'first-seen', at: NOW - 90 * DAY }
    const { score, factors } = reputationOf([list({ category: 'attacks' }), known], NOW)
    expect([score, factors.at(-1)]).toEqual([
      56,
      { kind: 'first-seen', sentence: 'known for 90 days', points: -14 },
    ])
    expect(reputationOf([detection(0), known], NOW).score).toBe(60)
  })

  const any = fc.array(
    fc.oneof(
      fc.integer({ min: 0, max: 100 }).map((confidence) => list({ confidence })),
      fc.integer({ min: 0, max: 400 }).map(detection),
      fc.constant<Testimony>({ kind: 'file', state: 'packaged' }),
      fc.constant<Testimony>({ kind: 'first-seen', at: NOW - 90 * DAY }),
      fc.integer({ min: 0, max: 100 }).map((weight): Testimony => ({ kind: 'country', code: 'KP', weight })),
    ),
    { maxLength: 12 },
  )

  test('the points add up to a score from 0 to 100, whatever the order', () => {
    fc.assert(
      fc.property(any, (testimonies) => {
        const { score, factors } = reputationOf(testimonies, NOW)
        expect(score).toBeGreaterThanOrEqual(0)
        expect(score).toBeLessThanOrEqual(100)
        expect(factors.reduce((sum, { points }) => sum + points, 0)).toBe(score)
        expect(reputationOf(testimonies.toReversed(), NOW).score).toBe(score)
      }),
    )
  })

  test('one more word against it never makes it better, and time never makes it worse', () => {
    fc.assert(
      fc.property(any, fc.integer({ min: 0, max: 100 }), (testimonies, confidence) => {
        const before = reputationOf(testimonies, NOW).score
        expect(reputationOf([...testimonies, list({ confidence })], NOW).score).toBeGreaterThanOrEqual(before)
        expect(reputationOf(testimonies, NOW + 10 * DAY).score).toBeLessThanOrEqual(before)
      }),
    )
  })
})
