import { expect, test } from 'vitest'
import { bytes, countdown, middle, rate, roundTrip, span } from './format.ts'

test.each([
  [0, '0'],
  [640, '640 B'],
  [2_914_332, '2.9 MB'],
  [26_400, '26 kB'],
  [999_999, '1 MB'],
  [7_000_000_000, '7 GB'],
])('%d bytes are %s', (count, text) => {
  expect(bytes(count)).toBe(text)
})

test('speeds, waits and times are round, and end when nothing is left', () => {
  expect([rate(0.2), rate(1500)]).toEqual(['0', '1.5 kB/s'])
  expect([undefined, 0.01, 4.26, 48.4, 1200].map(roundTrip)).toEqual([
    '—',
    '<0.1 ms',
    '4.3 ms',
    '48 ms',
    '1.2 s',
  ])
  expect([8_000, 720_000, 90_000_000, 200_000_000].map(span)).toEqual(['8 s', '12 min', '25 h', '2 d'])
  expect([-5, 47_000, 599_000, 3_723_000, 200_000_000].map(countdown)).toEqual([
    '0:00',
    '0:47',
    '9:59',
    '1:02:03',
    '2 d',
  ])
})

test('a long path keeps its beginning and its end', () => {
  expect(middle('/usr/lib/postgresql/17/bin/postgres', 20)).toBe('/usr/li…bin/postgres')
})
