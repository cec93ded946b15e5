import { expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import { countryOfZone, hereOf } from './here.ts'

const ZONES = '# comment\nDE\t+5230+01322\tEurope/Berlin\nJP\t+353916+1394441\tAsia/Tokyo\n'

const parts = {
  country: undefined,
  addresses: () => [ip('10.0.0.5'), ip('193.0.6.139')],
  countryOf: (address: string) => (address === '193.0.6.139' ? 'NL' : undefined),
  timeZone: 'Asia/Tokyo',
  zoneTab: ZONES,
}

test('a setting tells where the machine stands, then a public address, then the time zone', () => {
  expect(hereOf({ ...parts, country: 'CH' })).toEqual({ country: 'CH', because: 'setting' })
  expect(hereOf(parts)).toEqual({ country: 'NL', because: 'address' })
  expect(hereOf({ ...parts, addresses: () => [] })).toEqual({ country: 'JP', because: 'time-zone' })
  expect(hereOf({ ...parts, addresses: () => [], timeZone: 'UTC' })).toEqual({ because: 'unknown' })
})

test('a time zone that is nobody’s or that nobody knows tells no country', () => {
  expect(countryOfZone(ZONES, 'Europe/Berlin')).toBe('DE')
  expect(countryOfZone(ZONES, 'UTC')).toBeUndefined()
  expect(countryOfZone('', 'Europe/Berlin')).toBeUndefined()
})
