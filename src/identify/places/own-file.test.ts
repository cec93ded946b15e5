import fc from 'fast-check'
import { expect, test } from 'vitest'
import { placeInRecord } from './own-file.ts'

test("reads MaxMind's layout", () => {
  const record = {
    country: { iso_code: 'DE', names: { en: 'Germany' } },
    city: { names: { en: 'Berlin', de: 'Berlin' } },
    autonomous_system_number: 3320,
    autonomous_system_organization: 'Deutsche Telekom AG',
  }
  expect(placeInRecord(record)).toEqual({
    country: { code: 'DE', name: 'Germany' },
    city: 'Berlin',
    asn: { number: 3320, name: 'Deutsche Telekom AG' },
  })
})

test('reads the flat layout', () => {
  expect(placeInRecord({ country_code: 'FR', city: 'Lyon' })).toEqual({
    country: { code: 'FR', name: 'France' },
    city: 'Lyon',
  })
})

test.each([
  [null],
  ['text'],
  [{ country: null, city: { names: [] } }],
  [{ country_code: 'de', city: 7, autonomous_system_number: '3320' }],
  [{ country_code: '<b>', city: '' }],
])('%j says nothing', (record) => {
  expect(placeInRecord(record)).toEqual({})
})

test('whatever a file holds, a place is plain and short', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('country', 'city', 'country_code', '__proto__'), fc.jsonValue()),
      (record) => {
        const { city, country } = placeInRecord(record)
        expect(city?.length ?? 0).toBeLessThanOrEqual(200)
        expect(country?.code ?? 'XX').toMatch(/^[A-Z]{2}$/)
      },
    ),
  )
})
