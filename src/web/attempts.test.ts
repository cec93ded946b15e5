import { expect, test } from 'vitest'
import { createAttempts, networkOf } from './attempts.ts'

test('three wrong passwords are free, then the wait doubles up to a minute', () => {
  const attempts = createAttempts()
  const waits: number[] = []
  for (let count = 0; count < 12; count++) {
    waits.push(attempts.waitMs('192.0.2.1', 0))
    attempts.begin('192.0.2.1', 0)
  }
  expect(waits).toEqual([0, 0, 0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
  expect(attempts.waitMs('192.0.2.1', 59_000)).toBe(1000)
  expect(attempts.waitMs('192.0.2.2', 0)).toBe(0)
})

test('a success takes its own try back, and not the guesses before it', () => {
  const attempts = createAttempts()
  for (let count = 0; count < 4; count++) attempts.begin('192.0.2.1', 0)
  attempts.succeeded('192.0.2.1')
  expect(attempts.waitMs('192.0.2.1', 0)).toBe(1000)
  attempts.begin('192.0.2.2', 0)
  attempts.succeeded('192.0.2.2')
  expect(attempts.waitMs('192.0.2.2', 0)).toBe(0)
})

test('an hour of quiet is forgotten', () => {
  const attempts = createAttempts()
  for (let count = 0; count < 5; count++) attempts.begin('192.0.2.1', 0)
  attempts.begin('192.0.2.1', 3_600_000)
  expect(attempts.waitMs('192.0.2.1', 3_600_000)).toBe(0)
})

test('a thousand addresses do not make room for a thousand more tries: newcomers share one count', () => {
  const attempts = createAttempts(3)
  for (const last of [1, 2, 3]) attempts.begin(`192.0.2.${last}`, 0)
  for (const last of [4, 5, 6, 7]) attempts.begin(`192.0.2.${last}`, 0)
  expect(attempts.waitMs('192.0.2.99', 0)).toBe(2000)
  expect(attempts.waitMs('192.0.2.1', 0)).toBe(0)
})

test.each([
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::9', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
])('%s counts as %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})
