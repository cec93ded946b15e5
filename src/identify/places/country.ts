import type { Country } from '#model/place.ts'

const names = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' })
/** At most 676 codes of two letters. */
const known = new Map<string, Country>()

/** The country of an ISO 3166-1 code; undefined for what is no code. An unknown code is its own name. */
export function countryOf(code: string): Country | undefined {
  const country = known.get(code)
  if (country) return country
  if (!/^[A-Z]{2}$/.test(code)) return undefined
  const made = { code, name: names.of(code) ?? code }
  known.set(code, made)
  return made
}
