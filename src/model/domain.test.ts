import { expect, test } from 'vitest'
import { isOfDomain, parseDomain } from './domain.ts'

const holds = (written: string, name: string): boolean => {
  const domain = parseDomain(written)
  if (!domain) throw new Error(`${written} is no domain`)
  return isOfDomain(name, domain)
}

test('a name alone means itself, and nothing below or above it', () => {
  expect(holds('ads.example', 'ads.example')).toBe(true)
  expect(holds('Ads.Example.', 'ads.example')).toBe(true)
  for (const other of ['x.ads.example', 'example', 'badads.example'])
    expect(holds('ads.example', other)).toBe(false)
})

test('with a dot or a star before it, the name and all below it is meant', () => {
  for (const written of ['.ads.example', '*.ads.example']) {
    for (const name of ['ads.example', 'x.ads.example', 'y.x.ads.example'])
      expect(holds(written, name)).toBe(true)
    for (const other of ['badads.example', 'example', 'ads.example.net'])
      expect(holds(written, other)).toBe(false)
  }
})

test('a dot within a label parts nothing', () => {
  expect(holds('.ads.example', 'x\\.ads.example')).toBe(false)
  expect(holds('.ads.example', 'x\\\\.ads.example')).toBe(true)
})

test('international names are compared as DNS has them', () => {
  expect(parseDomain('Bücher.example')).toEqual({ name: 'xn--bcher-kva.example', isWithBelow: false })
})

test.each([
  '',
  '.',
  '*',
  '*.',
  'example',
  '192.0.2.1',
  '2001:db8::1',
  'a b.example',
  'a*.example',
  '-a.example',
  'a..b',
])('%j is no domain', (text) => {
  expect(parseDomain(text)).toBeUndefined()
})
