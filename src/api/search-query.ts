import { z } from '@hono/zod-openapi'
import { caretText } from '#contract/search/caret.ts'
import { MAX_QUERY_LENGTH, parseSearch } from '#contract/search/parse.ts'
import type { Search } from '#contract/search/search.ts'
import { Refused } from './port.ts'

/** The `q` of every list of connections. */
export const SearchQuery = z
  .string()
  .max(MAX_QUERY_LENGTH)
  .optional()
  .openapi({
    description:
      'A search: key:value terms that all must hold, - before a term for what must not be. Keys: app path pid user uid ' +
      'container unit src dst peer port lport proto dir iface state name country asn is community since until bytes rtt.',
    example: 'app:curl -dst:10.0.0.0/8 port:>1024 since:2h',
  })

/** Reads `q`; undefined without one. Throws `Refused` with a caret under what cannot be read. */
export function searchOf(query: string | undefined, now: number): Search | undefined {
  if (query === undefined || query.trim() === '') return undefined
  const parsed = parseSearch(query, now)
  if (parsed.state === 'search') return parsed.search
  throw new Refused(
    400,
    caretText(parsed.error),
    'For example app:curl -dst:10.0.0.0/8 port:>1024 name:*.example.com since:2h',
  )
}
