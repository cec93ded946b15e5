import { expect, test } from 'vitest'
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
