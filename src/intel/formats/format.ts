import type { Indicator } from '#model/indicator.ts'

/** Takes what a format finds. */
export interface Sink {
  take(indicator: Indicator): void
  /** Something stands there that the format does not know: too much of it, and this is another format. */
  misfit(): void
  /** It is well formed, but says nothing that can be matched alone. */
  pass(): void
}

/** One line after the other, without its end. */
export interface LineFormat {
  readonly shape: 'lines'
  /** Answers what takes the lines of one list. */
  readonly open: (sink: Sink) => (line: string) => void
}

/** Where a value stands: keys from the top, `[]` for a place in a list. */
export type JsonPath = readonly string[]

/** A JSON document of any size, of which one item at a time is looked at. */
export interface ItemFormat {
  readonly shape: 'items'
  /** True where an object is an item: it is read whole, and nothing in it is asked for. */
  readonly isItem: (path: JsonPath) => boolean
  /** Answers what takes the items of one list. */
  readonly open: (sink: Sink) => (item: Fields, path: JsonPath) => void
}

export type Format = LineFormat | ItemFormat

/** An object as it came: nothing is sure about it. */
export type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const textIn = (fields: Fields, key: string): string | undefined => {
  const value = fields[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The fields that are known: what is undefined is left out. */
export const known = <Given extends Fields>(
  fields: Given,
): { [Key in keyof Given]?: Exclude<Given[Key], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Given]?: Exclude<Given[Key], undefined>
  }

/** A list cannot be used as a whole; the message says why, in words that follow "it". */
export class Unusable extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'Unusable'
  }
}

/**
 * Milliseconds since the epoch of a time as lists write it: ISO 8601, `2026-11-20 08:00:00` with or without `UTC`
 * (all of them mean UTC), or seconds since the epoch. Undefined for anything else.
 */
export function timeOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value > 0 && value < 1e11 ? value * 1000 : undefined
  if (typeof value !== 'string') return undefined
  if (/^\d{9,10}$/.test(value)) return Number(value) * 1000
  const [, day, time = '00:00:00', zone = ''] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.\d+)?)? ?(Z|UTC|[+-]\d\d:?\d\d)?$/.exec(value.trim()) ?? []
  const at = Date.parse(`${day}T${time}${zone === 'UTC' || zone === '' ? 'Z' : zone}`)
  return Number.isNaN(at) ? undefined : at
}
