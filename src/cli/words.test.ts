import { expect, test } from 'vitest'
import { bytesText, durationText, endpointText, parseDuration } from './words.ts'

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [9949, '9.9 kB'],
  [9960, '10 kB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [2_914_332, '2.9 MB'],
  [1e21, '1000000 PB'],
])('%d bytes are %s', (bytes, text) => expect(bytesText(bytes)).toBe(text))

test.each([
  [-5, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [3_600_000, '1 h'],
  [172_800_000, '2 d'],
])('%d ms are %s', (milliseconds, text) => expect(durationText(milliseconds)).toBe(text))

test.each([
  ['90s', 90],
  ['10m', 600],
  ['2h', 7200],
  ['7d', 604_800],
  ['1w', 604_800],
  ['365d', 31_536_000],
  ['forever', 0],
])('%s is %d seconds', (text, seconds) => expect(parseDuration(text)).toBe(seconds))

test.each(['', '10', 'm', '-1m', '0s', '1.5h', '10 m', '366d', '10y', '1e9s'])('%j is no time', (text) => {
  expect(() => parseDuration(text)).toThrow('is no time')
})

test('an endpoint is written as people write it', () => {
  expect(endpointText('192.0.2.1', 443)).toBe('192.0.2.1:443')
  expect(endpointText('2001:db8::1', 443)).toBe('[2001:db8::1]:443')
  expect(endpointText('192.0.2.1', 0)).toBe('192.0.2.1')
})
