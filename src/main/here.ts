import { readFileSync } from 'node:fs'
import type { Here } from '#contract/here.ts'
import { hereOf } from '#core/here.ts'
import type { Base } from './base.ts'

const ZONE_TAB = '/usr/share/zoneinfo/zone.tab'

/** Tells where this machine stands, by what is known when it is asked: addresses come and go. */
export function createHere({ config, allow, atlas }: Base): () => Here {
  const zoneTab = readZones()
  return () =>
    hereOf({
      country: config.places.country,
      addresses: () => allow.entries().flatMap(({ source, target }) => (source === 'own' ? [target] : [])),
      countryOf: (address) => atlas.placeOf(address).country?.code,
      timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      zoneTab,
    })
}

/** Small systems come without it: then the time zone tells nothing. */
function readZones(): string {
  try {
    return readFileSync(ZONE_TAB, 'utf8')
  } catch {
    return ''
  }
}
