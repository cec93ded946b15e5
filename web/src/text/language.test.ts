import { afterEach, describe, expect, test, vi } from 'vitest'
import { languageFor, localeFor } from './language.ts'

test.each([
  ['browser', ['de-AT', 'en'], 'de', 'de-AT'],
  ['browser', ['fr-CH', 'de-CH', 'en'], 'de', 'de-CH'],
  ['browser', ['en-GB', 'de'], 'en', 'en-GB'],
  ['browser', ['fr-FR'], 'en', 'fr-FR'],
  ['browser', [], 'en', 'en'],
  ['de', ['en-US', 'de-CH'], 'de', 'de-CH'],
  ['de', ['en-US'], 'de', 'de'],
  ['en', ['de-DE'], 'en', 'en'],
  ['browser', ['C', 'de_DE', 'DE'], 'de', 'DE'],
] as const)('%s with a browser of %j reads %s, and numbers as in %s', (choice, wanted, language, locale) => {
  expect([languageFor(choice, wanted), localeFor(choice, wanted)]).toEqual([language, locale])
})

describe('in German', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.resetModules()
  })

  test('the catalogue, numbers, bytes, spans, plurals, dates and countries are German', async () => {
    vi.stubGlobal('navigator', { language: 'de-DE', languages: ['de-DE'] })
    vi.resetModules()
    const { text } = await import('./text.ts')
    const format = await import('../format.ts')
    expect(text.connections.flows(1)).toBe('1 Verbindung')
    expect(text.connections.flows(0)).toBe('0 Verbindungen')
    expect(text.connections.flows(12_345)).toBe('12.345 Verbindungen')
    expect(format.bytes(2_914_332)).toBe('2,9 MB')
    expect(format.rate(1500)).toBe('1,5 kB/s')
    expect(format.exact(1_234_567)).toBe('1.234.567')
    expect(format.count(61_400)).toBe('61,4 k')
    expect(format.percent(0.25)).toBe('25\u00a0%')
    expect(format.roundTrip(4.26)).toBe('4,3 ms')
    expect(text.span.ago(format.span(200_000_000))).toBe('vor 2 Tg.')
    expect(format.countryName('JP')).toBe('Japan')
    expect(format.countryName('DE')).toBe('Deutschland')
    expect(format.countryName('zz<')).toBe('zz<')
    const [evening, nextDay] = [new Date(2026, 2, 3, 21, 5).getTime(), new Date(2026, 2, 4, 9).getTime()]
    expect(format.moment(evening, nextDay)).toBe('3. März, 21:05')
  })
})
