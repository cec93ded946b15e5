import type { Connection } from '../../../src/contract/schemas.ts'
import { servicePort } from './row.ts'

/** One thing a search asks for. A term without a key looks everywhere. */
export interface Term {
  readonly key: QueryKey | ''
  readonly value: string
  readonly isNot: boolean
}

export const QUERY_KEYS = [
  'app',
  'peer',
  'dst',
  'src',
  'port',
  'proto',
  'state',
  'user',
  'pid',
  'if',
  'is',
] as const
export type QueryKey = (typeof QUERY_KEYS)[number]

/** Other words people use for the same keys. */
const SAME: Readonly<Record<string, QueryKey>> = {
  program: 'app',
  host: 'peer',
  addr: 'peer',
  protocol: 'proto',
  interface: 'if',
}

const TERM = /(-)?(?:([a-z]+):)?(?:"([^"]*)"?|(\S+))/giu

/** Reads a search: words, `"quoted words"`, `key:value`, and any of them with `-` before it. Unknown keys are words. */
export function parseQuery(text: string): Term[] {
  const terms: Term[] = []
  for (const [whole, minus, name, quoted, word] of text.matchAll(TERM)) {
    const key = keyOf(name)
    const value = (key === '' && name ? whole.slice(minus ? 1 : 0) : (quoted ?? word ?? '')).toLowerCase()
    if (value !== '') terms.push({ key, value, isNot: minus === '-' })
  }
  return terms
}

function keyOf(name: string | undefined): QueryKey | '' {
  const lower = (name ?? '').toLowerCase()
  return QUERY_KEYS.find((key) => key === lower) ?? SAME[lower] ?? ''
}

/** The search as it is written; reading it again gives the same terms. */
export const formatQuery = (terms: readonly Term[]): string => terms.map(formatTerm).join(' ')

export const formatTerm = ({ key, value, isNot }: Term): string =>
  `${isNot ? '-' : ''}${key === '' ? '' : `${key}:`}${/\s|^-/.test(value) ? `"${value}"` : value}`

/** Says whether a connection fits all terms. `isOver` tells that it has ended. */
export function matches(terms: readonly Term[], connection: Connection, isOver: boolean): boolean {
  return terms.every((term) => fits(term, connection, isOver) !== term.isNot)
}

function fits(term: Term, connection: Connection, isOver: boolean): boolean {
  if (term.key === '') return WORDS.some((read) => read(connection).toLowerCase().includes(term.value))
  return KEYS[term.key](connection, term.value, isOver)
}

type Fit = (connection: Connection, value: string, isOver: boolean) => boolean

const has = (text: string | undefined, value: string): boolean => (text ?? '').toLowerCase().includes(value)

/** An address fits its own beginning; `*` stands for anything. */
function isAddress(address: string, value: string): boolean {
  const stem = value.replace(/\*.*$/, '')
  return value === address || (stem !== value && address.startsWith(stem)) || address.startsWith(value)
}

const KEYS: Readonly<Record<QueryKey, Fit>> = {
  app: ({ owner }, value) => has(owner?.name, value) || has(owner?.path, value),
  peer: ({ peer }, value) => isAddress(peer, value),
  dst: ({ target }, value) => isAddress(target, value),
  src: ({ source }, value) => isAddress(source, value),
  port: ({ peerPort, localPort }, value) => isPort(peerPort, value) || isPort(localPort, value),
  proto: ({ protocol }, value) => protocol.toLowerCase() === value,
  state: ({ state }, value) => state.startsWith(value),
  user: ({ owner }, value) => owner?.user?.toLowerCase() === value || String(owner?.uid) === value,
  pid: ({ owner }, value) => String(owner?.pid) === value,
  if: ({ interfaceName }, value) => interfaceName.toLowerCase() === value,
  is: (connection, value, isOver) => isIt(connection, value, isOver),
}

/** `443`, or `8000-8999`. */
function isPort(port: number, value: string): boolean {
  const [from, to] = value.split('-').map(Number)
  return to === undefined ? port === from : port >= (from ?? 0) && port <= to
}

function isIt(connection: Connection, value: string, isOver: boolean): boolean {
  if (value === 'unknown') return connection.owner === undefined
  if (value === 'over') return isOver || connection.ended !== undefined
  return connection.verdict === value || connection.direction === value
}

const WORDS: readonly ((connection: Connection) => string)[] = [
  ({ owner }) => owner?.name ?? '',
  ({ peer }) => peer,
  ({ owner }) => owner?.path ?? '',
  ({ peerPort }) => String(peerPort),
  ({ localPort }) => String(localPort),
  ({ protocol }) => protocol,
  ({ state }) => state,
  ({ owner }) => owner?.user ?? '',
]

/** What the search could go on with: keys, and values that live connections have, with how many have them. */
export interface Suggestion {
  readonly term: Term
  readonly count: number | undefined
}

const MOST_SUGGESTED = 8

/** Suggestions for the word that is being typed. */
export function suggest(typed: string, connections: Iterable<Connection>): Suggestion[] {
  const isNot = typed.startsWith('-')
  const [term] = parseQuery(typed.endsWith(':') ? `${typed}?` : typed)
  if (!term) return []
  const wanted = typed.endsWith(':') ? '' : term.value
  const counts = new Map<string, { readonly key: QueryKey; readonly value: string; count: number }>()
  const isWanted = (key: QueryKey, value: string): boolean =>
    (term.key === '' || term.key === key) && value.includes(wanted)
  for (const [key, value] of valuesOf(connections)) {
    if (!isWanted(key, value)) continue
    const known = counts.get(`${key}:${value}`)
    if (known) known.count++
    else counts.set(`${key}:${value}`, { key, value, count: 1 })
  }
  const found = [...counts.values()]
    .sort((a, b) => b.count - a.count)
    .slice(0, MOST_SUGGESTED)
    .map(({ key, value, count }) => ({ term: { key, value, isNot }, count }))
  return [...found, ...keysLike(term.key === '' ? wanted : '', isNot)]
}

function keysLike(word: string, isNot: boolean): Suggestion[] {
  if (word === '') return []
  return QUERY_KEYS.filter((key) => key.startsWith(word)).map((key) => ({
    term: { key, value: '', isNot },
    count: undefined,
  }))
}

function* valuesOf(connections: Iterable<Connection>): Generator<readonly [QueryKey, string]> {
  for (const connection of connections) {
    if (connection.owner) yield ['app', connection.owner.name.toLowerCase()]
    yield ['peer', connection.peer]
    yield ['port', String(servicePort(connection))]
    yield ['proto', connection.protocol.toLowerCase()]
    yield ['state', connection.state]
    yield ['is', connection.verdict]
    yield ['is', connection.direction]
  }
}
