import type { Connection } from '../../../src/contract/schemas.ts'
import { downOf, upOf } from '../connections/row.ts'

/** What is open with one country. `local`: reserved addresses; empty: not known. */
export interface CountrySum {
  readonly country: string
  readonly hosts: Set<string>
  connections: number
  down: number
  up: number
  blocked: number
}

export interface CountryQuestion {
  isIn(connection: Connection): boolean
  isBlocked(connection: Connection): boolean
}

/** Not the local network, and known. */
export const isCountry = ({ country }: CountrySum): boolean => country.length === 2

/** Sums of connections by country, busiest first. */
export function countrySums(
  connections: Iterable<Connection>,
  { isIn, isBlocked }: CountryQuestion,
): CountrySum[] {
  const sums = new Map<string, CountrySum>()
  for (const connection of connections) {
    if (!isIn(connection)) continue
    const country = connection.country?.toUpperCase() ?? (connection.special === undefined ? '' : 'local')
    const sum = sums.get(country) ?? { country, hosts: new Set(), connections: 0, down: 0, up: 0, blocked: 0 }
    sums.set(country, sum)
    sum.hosts.add(connection.peer)
    sum.connections++
    sum.down += downOf(connection)
    sum.up += upOf(connection)
    if (isBlocked(connection)) sum.blocked++
  }
  return [...sums.values()].sort(
    (a, b) =>
      Number(isCountry(b)) - Number(isCountry(a)) ||
      b.connections - a.connections ||
      (a.country < b.country ? -1 : 1),
  )
}
