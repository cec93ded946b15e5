import { describe, expect, test } from 'vitest'
import { aConnection, anOwner, NOON } from '../../test/support/remembered.ts'
import { ip } from '../model/address.ts'
import { createCallHomeBook } from './call-home.ts'

const MINUTE = 60_000
const peer = ip('203.0.113.9')
const opening = (openedAt: number, program = '/usr/bin/agent') => ({ program, peer, port: 443, openedAt })

test('what an earlier run saw and what this one sees are one habit', () => {
  const book = createCallHomeBook()
  // The store tells the newest first.
  book.recall([5, 4, 3, 2, 1].map((n) => opening(NOON + n * MINUTE)))
  expect(book.found()).toEqual([])
  const owner = anOwner({ path: '/usr/bin/agent' })
  book.see([aConnection({ owner, target: peer, targetPort: 443, openedAt: NOON + 6 * MINUTE })])
  expect(book.found()).toMatchObject([
    { program: '/usr/bin/agent', peer, port: 443, openings: 6, intervalMs: MINUTE, firstAt: NOON + MINUTE },
  ])
})

test('what is told twice counts once', () => {
  const book = createCallHomeBook()
  const openings = [1, 2, 3, 4, 5].map((n) => opening(NOON + n * MINUTE))
  book.recall(openings)
  book.recall(openings)
  expect(book.found()).toEqual([])
})

test('what is found in turns is what is found at once', async () => {
  const book = createCallHomeBook()
  book.recall(
    Array.from({ length: 40 }, (_, at) => ({
      program: `/usr/bin/p${at % 4}`,
      peer: ip('203.0.113.9'),
      port: 443,
      openedAt: 1_000_000 + Math.floor(at / 4) * 60_000 + (at % 4),
    })),
  )
  let rests = 0
  const found = await book.findInTurns({
    rest() {
      rests++
      return undefined
    },
  })
  expect(found).toHaveLength(4)
  expect(found).toEqual(book.found())
  expect(rests).toBe(4)
})

describe('a timer that is scattered on purpose', () => {
  /** From 0 to 1, the same each time. */
  const chance = (n: number): number => ((Math.imul(n, 0x9e3779b1) ^ 0x5bd1e995) >>> 0) / 2 ** 32

  const found = (intervalOf: (chance: number) => number, openings: number) => {
    const book = createCallHomeBook()
    let at = NOON
    book.recall(
      Array.from({ length: openings }, (_, n) => {
        at += intervalOf(chance(n))
        return opening(at)
      }),
    )
    return book.found()
  }

  test.each([0.3, 0.4, 0.5])('by %s of the interval either way is a habit all the same', (jitter) => {
    const home = found((by) => MINUTE * (1 + jitter * (2 * by - 1)), 40)
    expect(home).toMatchObject([{ openings: 40, port: 443 }])
    expect(home[0]?.jitter).toBeGreaterThan(0.1)
  })

  test('is not yet told from chance by twenty', () =>
    expect(found((by) => MINUTE * (1 + 0.5 * (2 * by - 1)), 20)).toEqual([]))

  test('is not what somebody does who works: intervals by chance', () =>
    expect(found((by) => Math.max(6_000, -MINUTE * Math.log(1 - by)), 48)).toEqual([]))
})
