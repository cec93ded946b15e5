import type { IndicatorKind } from '#model/indicator.ts'
import { type Fields, isFields } from '../formats/format.ts'

/** So many requests within so many seconds, whichever seconds those are. */
export interface Quota {
  readonly requests: number
  readonly seconds: number
}

/** What a service thinks of something. */
export interface Opinion {
  /** 0 to 100; absent: it only tells. */
  readonly score?: number
  readonly sentence: string
}

/** A service that can be asked about one thing at a time. All are off until a person switches them on. */
export interface Service {
  readonly id: 'virustotal' | 'abuseipdb' | 'otx' | 'rdap'
  readonly title: string
  readonly origin: string
  readonly kinds: readonly IndicatorKind[]
  readonly needsKey: boolean
  readonly quotas: readonly Quota[]
  /** How long an answer holds. */
  readonly keepHours: number
  pathOf(kind: IndicatorKind, value: string): string
  headersOf(key: string): Readonly<Record<string, string>>
  /** Undefined when it is no answer of this service. */
  read(body: Fields): Opinion | undefined
}

/** The object at a path of keys. */
export function fieldsAt(body: Fields, ...keys: readonly string[]): Fields | undefined {
  let at: unknown = body
  for (const key of keys) at = isFields(at) ? at[key] : undefined
  return isFields(at) ? at : undefined
}

export const numberIn = (fields: Fields | undefined, key: string): number | undefined => {
  const value = fields?.[key]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
