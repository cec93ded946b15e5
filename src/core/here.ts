import type { Here } from '#contract/here.ts'
import { type Ip, isRange, type Target } from '#model/address.ts'

export interface HereParts {
  /** places.country: a person knows best. */
  readonly country: string | undefined
  /** Addresses of this machine itself. */
  readonly addresses: () => readonly Target[]
  readonly countryOf: (address: Ip) => string | undefined
  /** As in the tz database: Europe/Berlin. */
  readonly timeZone: string
  /** Text of zone.tab(5), which most machines have; empty without. */
  readonly zoneTab: string
}

/** Where this machine stands: what a setting says, what a public address of it tells, or its time zone. */
export function hereOf({ country, addresses, countryOf, timeZone, zoneTab }: HereParts): Here {
  if (country !== undefined) return { country, because: 'setting' }
  for (const address of addresses()) {
    const found = isRange(address) ? undefined : countryOf(address as Ip)
    if (found !== undefined) return { country: found, because: 'address' }
  }
  const zoned = countryOfZone(zoneTab, timeZone)
  return zoned === undefined ? { because: 'unknown' } : { country: zoned, because: 'time-zone' }
}

/** A zone of the tz database belongs to one country in zone.tab: "DE\t+5230+01322\tEurope/Berlin". UTC is nobody's. */
export function countryOfZone(zoneTab: string, timeZone: string): string | undefined {
  for (const line of zoneTab.split('\n')) {
    const [country, , zone] = line.split('\t')
    if (zone === timeZone && country !== undefined) return country
  }
  return undefined
}
