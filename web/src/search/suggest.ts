import type { Connection } from '../../../src/contract/schemas.ts'
import { SAME_KEYS, SEARCH_KEYS, type SearchKey } from '../../../src/contract/search/search.ts'
import { servicePort } from '../connections/row.ts'
import { isKept, type KeptValue } from './kept-values.svelte.ts'
import { quoted } from './pieces.ts'

/** What a search could go on with: a key, or a value that connections have, with how many have it. */
export interface Suggestion {
  readonly key: SearchKey
  readonly value: string
  readonly isNot: boolean
  /** Absent for a key. */
  readonly count?: number
  /** The count is of the past; else of what is open now. */
  readonly isPast?: true
}

const MOST_VALUES = 8
const KEYS = Object.keys(SEARCH_KEYS) as SearchKey[]
/** Nearly every connection has the same value: a word without a key does not mean it. */
const ONLY_ASKED: readonly SearchKey[] = ['owner']

/** How a suggestion is written. */
export const written = ({ key, value, isNot, count }: Suggestion): string =>
  `${isNot ? '-' : ''}${key}:${count === undefined ? '' : quoted(value)}`

/** The key of the word that is being typed, where it has one. */
export function keyTyped(typed: string): SearchKey | undefined {
  const [, name] = /^-?([a-z]+):/su.exec(typed.toLowerCase()) ?? []
  return name === undefined ? undefined : keyOf(name)
}

/**
 * Suggestions for the word that is being typed: values of live connections, then keys. `kept` has the values of a period
 * of the past: where it can count a key, live connections do not.
 */
export function suggest(
  typed: string,
  connections: Iterable<Connection>,
  kept?: readonly KeptValue[],
): Suggestion[] {
  const isNot = typed.startsWith('-')
  const word = typed.slice(isNot ? 1 : 0).toLowerCase()
  if (word === '') return []
  const [, name, start] = /^([a-z]+):"?(.*)$/su.exec(word) ?? []
  const only = name === undefined ? undefined : keyOf(name)
  if (name !== undefined && only === undefined) return keysLike(name, isNot)
  const wanted = start ?? word
  const values = kept
    ? [...keptLike(only, wanted, kept), ...valuesLike(only, wanted, connections, (key) => !isKept(key))]
    : valuesLike(only, wanted, connections)
  return [
    ...values.slice(0, MOST_VALUES).map((value) => ({ ...value, isNot })),
    ...(only ? [] : keysLike(word, isNot)),
  ]
}

const keyOf = (name: string): SearchKey | undefined => KEYS.find((key) => key === name) ?? SAME_KEYS[name]

type Value = Omit<Suggestion, 'isNot'>

function keptLike(only: SearchKey | undefined, start: string, kept: readonly KeptValue[]): Value[] {
  return kept
    .filter(({ key, value }) => (!only || key === only) && value.toLowerCase().includes(start))
    .sort((a, b) => b.count - a.count)
    .map((value) => ({ ...value, isPast: true }))
}

const isMeant = (key: SearchKey, only: SearchKey | undefined): boolean =>
  only ? key === only : !ONLY_ASKED.includes(key)

function valuesLike(
  only: SearchKey | undefined,
  start: string,
  connections: Iterable<Connection>,
  counts: (key: SearchKey) => boolean = () => true,
): Value[] {
  const found = new Map<string, { readonly key: SearchKey; readonly value: string; count: number }>()
  for (const [key, value] of valuesOf(connections)) {
    if (value === undefined || value === '' || !counts(key) || !isMeant(key, only)) continue
    if (!value.toLowerCase().includes(start)) continue
    const known = found.get(`${key}:${value}`)
    if (known) known.count++
    else found.set(`${key}:${value}`, { key, value, count: 1 })
  }
  return [...found.values()].sort((a, b) => b.count - a.count)
}

function keysLike(word: string, isNot: boolean): Suggestion[] {
  const same = Object.entries(SAME_KEYS).flatMap(([name, key]) => (name.startsWith(word) ? [key] : []))
  const like = KEYS.filter((key) => key.startsWith(word))
  return [...new Set([...like, ...same])].map((key) => ({ key, value: '', isNot }))
}

function* valuesOf(connections: Iterable<Connection>): Generator<readonly [SearchKey, string | undefined]> {
  for (const connection of connections) {
    const { owner } = connection
    yield ['app', owner?.name]
    yield ['user', owner?.user]
    yield ['unit', owner?.unit]
    yield ['owner', owner?.source]
    yield ['container', owner?.container?.name ?? owner?.container?.id.slice(0, 12)]
    yield ['name', connection.name]
    yield ['peer', connection.peer]
    yield ['port', servicePort(connection) > 0 ? String(servicePort(connection)) : undefined]
    yield ['country', connection.country]
    yield ['asn', connection.asName]
    yield ['proto', connection.protocol]
    yield ['state', connection.state]
    yield ['iface', connection.interfaceName]
    yield ['is', connection.verdict]
    yield ['is', connection.direction]
  }
}
