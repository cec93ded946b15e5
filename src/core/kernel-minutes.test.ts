import { expect, test } from 'vitest'
import { KernelMinutes } from './kernel-minutes.ts'

const MINUTE = 60_000
const START = 1_700_000_040_000

test('counts what blocks turned away and capture lost, minute by minute, from the start on', () => {
  const minutes = new KernelMinutes()
  const block = (droppedPackets: number) => [{ target: '203.0.113.9', droppedPackets }]
  minutes.take({ blocks: block(500), lost: 0 }, START)
  minutes.take({ blocks: block(507), lost: 2 }, START + 10_000)
  minutes.take(
    { blocks: [...block(507), { target: '203.0.113.10', droppedPackets: 4 }], lost: 2 },
    START + MINUTE,
  )
  // The block went and came again: its counter began anew.
  minutes.take({ blocks: [], lost: 2 }, START + MINUTE + 10_000)
  minutes.take({ blocks: block(1), lost: 2 }, START + 2 * MINUTE)
  expect(minutes.counts(START - 2 * MINUTE, MINUTE, 5)).toEqual({
    counts: [0, 0, 9, 4, 1],
    reachesTo: START,
  })
})

test('forgets what is older than two days', () => {
  const minutes = new KernelMinutes()
  minutes.take({ blocks: [], lost: 0 }, START)
  minutes.take({ blocks: [], lost: 5 }, START + MINUTE)
  minutes.take({ blocks: [], lost: 6 }, START + 3 * 24 * 60 * MINUTE)
  const { counts } = minutes.counts(START, 24 * 60 * MINUTE, 4)
  expect(counts).toEqual([0, 0, 0, 1])
})
