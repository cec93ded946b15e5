import { readFileSync } from 'node:fs'
import { Reader } from 'mmdb-lib'
import type { Ip } from '#model/address.ts'
import type { Place } from '#model/place.ts'
import { countryOf } from './country.ts'

const MAX_NAME = 200

/** A database of a person's own, in the MaxMind DB format. */
export interface OwnFile {
  /** What it knows of the address, in whichever of the common layouts it has. Throws an Error when the file is broken. */
  placeOf(address: Ip): Place
}

/** Throws an Error in words when the file cannot be read or is of another format. */
export function openOwnFile(path: string): OwnFile {
  const bytes = readFileSync(path)
  if (bytes.lastIndexOf(METADATA_MARKER) < 0) throw new Error('it is no MMDB file')
  const reader = new Reader(bytes)
  return {
    placeOf(address) {
      const isIpv6 = address.includes(':')
      // A tree of IPv4 addresses would be walked with the first bits of an IPv6 address.
      if (isIpv6 && reader.metadata.ipVersion === 4) return {}
      return placeInRecord(reader.get(address))
    },
  }
}

/** MaxMind DB file format, "Database Metadata". */
const METADATA_MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')

/** MaxMind's layout (`country.iso_code`, `city.names.en`) and the flat one (`country_code`, `city`). */
export function placeInRecord(record: unknown): Place {
  const code = textAt(record, 'country', 'iso_code') ?? textAt(record, 'country_code')
  const country = code === undefined ? undefined : countryOf(code)
  const city = textAt(record, 'city', 'names', 'en') ?? textAt(record, 'city')
  const number = valueAt(record, ['autonomous_system_number'])
  const name = textAt(record, 'autonomous_system_organization') ?? ''
  return {
    ...(country && { country }),
    ...(typeof number === 'number' && number > 0 && { asn: { number, name } }),
    ...(city !== undefined && { city }),
  }
}

function textAt(record: unknown, ...path: string[]): string | undefined {
  const value = valueAt(record, path)
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_NAME) : undefined
}

function valueAt(record: unknown, path: readonly string[]): unknown {
  let value = record
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}
