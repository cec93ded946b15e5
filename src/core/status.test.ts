import { expect, test } from 'vitest'
import { aConnection } from '../../test/support/connections.ts'
import { aStatus } from '../../test/support/port.ts'
import type { LiveConnection } from './live-connections.ts'
import { type StatusFacts, statusOf } from './status.ts'

const live = (id: number): LiveConnection => ({ ...aConnection({ id }), rateForward: 0, rateBackward: 0 })

const sentenceWith = (facts: Partial<StatusFacts>): string => {
  const { state: _, sentence: __, ...rest } = aStatus
  const counts = { ...rest.counts, blocks: 0 }
  return statusOf({ ...rest, counts, parts: [], connections: [], openAlerts: 0, ...facts }).sentence
}

test('all is well: who talks, and that nothing needs anybody', () => {
  expect(sentenceWith({})).toBe('Nothing is talking. Nothing needs you.')
  expect(sentenceWith({ connections: [live(1), live(2)] })).toBe(
    '0 programs are talking to 1 host. Nothing needs you.',
  )
})

test('where a part does not work, the sentence says so and does not call it well', () => {
  const parts = [
    { part: 'capture', state: 'degraded', reason: 'no network interface is up', remedy: 'x' },
  ] as const
  expect(sentenceWith({ parts })).toBe('Nothing is talking. Not all is well: no network interface is up')
  expect(sentenceWith({ parts, openAlerts: 2 })).toBe(
    'Nothing is talking. 2 alerts need you. Not all is well: no network interface is up',
  )
})
