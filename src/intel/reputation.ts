import type { Severity } from '#model/finding.ts'
import type { ListCategory } from '#model/indicator.ts'

/** Something that is known of an address, a name or a program, and may speak for or against it. Times in milliseconds. */
export type Testimony =
  | {
      readonly kind: 'list'
      readonly title: string
      readonly category: ListCategory
      /** 0 to 100. */
      readonly confidence: number
      /** When the list was last had anew. */
      readonly at: number
      readonly reason?: string
    }
  | { readonly kind: 'service'; readonly title: string; readonly score: number; readonly at: number }
  | {
      readonly kind: 'detection'
      readonly detector: string
      readonly severity: Severity
      /** 0 to 1. */
      readonly confidence: number
      readonly at: number
    }
  | {
      readonly kind: 'block'
      readonly by: 'person' | 'detector'
      readonly actor: string
      readonly at: number
    }
  | { readonly kind: 'first-seen'; readonly at: number }
  | { readonly kind: 'country'; readonly code: string; readonly weight: number }
  /** Whom a program talks to. */
  | { readonly kind: 'peer'; readonly address: string; readonly score: number }
  | { readonly kind: 'file'; readonly state: 'packaged' | 'changed' | 'gone' | 'temporary' }

export type FactorKind = Testimony['kind']

/** What one testimony adds to the score, or takes from it. */
export interface Factor {
  readonly kind: FactorKind
  readonly sentence: string
  /** All of them add up to the score. */
  readonly points: number
}

export interface Reputation {
  /** 0: nothing speaks against it. 100: known bad. */
  readonly score: number
  /** The heaviest first. */
  readonly factors: readonly Factor[]
}

const DAY_MS = 86_400_000

/** How much a list says that is sure of its entries. */
const CATEGORY_WEIGHT: Readonly<Record<ListCategory, number>> = {
  'command-and-control': 0.95,
  malware: 0.9,
  own: 0.9,
  hijacked: 0.85,
  attacks: 0.7,
  anonymity: 0.25,
  tracking: 0.1,
}
const SEVERITY_WEIGHT: Readonly<Record<Severity, number>> = {
  info: 0.02,
  low: 0.1,
  medium: 0.3,
  high: 0.6,
  critical: 0.85,
}
const BLOCK_WEIGHT = { person: 0.6, detector: 0.4 } as const
const FILE_WEIGHT = { changed: 0.4, gone: 0.2, temporary: 0.25 } as const
const NEW_WEIGHT = 0.05
const SERVICE_WEIGHT = 0.9
const PEER_WEIGHT = 0.5

/** In so many days half of it is forgotten. */
const HALF_LIFE_DAYS = { list: 30, service: 30, detection: 7, block: 14 } as const

/** What is known for long without a word against it from this machine is less likely to be bad. */
const KNOWN_DAYS = 30
const KNOWN_RELIEF = 0.2
const PACKAGED_RELIEF = 0.5

interface Weighed {
  readonly kind: FactorKind
  readonly sentence: string
  /** Above 0: speaks against it, up to 1. Below 0: takes that share of the rest away. */
  readonly weight: number
}

/**
 * From 0 to 100, with the reasons. Each testimony takes its share of what is left of a good name, so that many weak
 * ones never outweigh a strong one by their number alone, and the order does not matter. Old ones fade.
 */
export function reputationOf(testimonies: readonly Testimony[], now: number): Reputation {
  const weighed = testimonies.flatMap((testimony) => weigh(testimony, now) ?? [])
  const against = weighed.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight)
  const isAccused = testimonies.some(({ kind }) => kind === 'detection' || kind === 'block')
  // Age says nothing for somebody who was caught here.
  const relieving = weighed.filter(({ weight, kind }) => weight < 0 && !(kind === 'first-seen' && isAccused))
  const factors: Factor[] = []
  let good = 1
  let told = 0
  const tell = ({ kind, sentence }: Weighed): void => {
    const points = Math.round(100 * (1 - good)) - told
    told += points
    factors.push({ kind, sentence, points })
  }
  for (const one of against) {
    good *= 1 - one.weight
    tell(one)
  }
  if (told === 0) return { score: 0, factors: factors.filter(({ points }) => points !== 0) }
  for (const one of relieving) {
    good = 1 - (1 - good) * (1 + one.weight)
    tell(one)
  }
  return { score: told, factors }
}

function weigh(testimony: Testimony, now: number): Weighed | undefined {
  const sentence = sentenceOf(testimony, now)
  const weight = weightOf(testimony, now)
  return weight === 0 ? undefined : { kind: testimony.kind, sentence, weight }
}

function weightOf(testimony: Testimony, now: number): number {
  switch (testimony.kind) {
    case 'list':
      return faded(CATEGORY_WEIGHT[testimony.category] * (testimony.confidence / 100), testimony, now)
    case 'service':
      return faded(SERVICE_WEIGHT * (testimony.score / 100), testimony, now)
    case 'detection':
      return faded(SEVERITY_WEIGHT[testimony.severity] * testimony.confidence, testimony, now)
    case 'block':
      return faded(BLOCK_WEIGHT[testimony.by], testimony, now)
    case 'first-seen':
      if (now - testimony.at < DAY_MS) return NEW_WEIGHT
      return now - testimony.at > KNOWN_DAYS * DAY_MS ? -KNOWN_RELIEF : 0
    case 'country':
      return testimony.weight / 100
    case 'peer':
      return PEER_WEIGHT * (testimony.score / 100)
    case 'file':
      return testimony.state === 'packaged' ? -PACKAGED_RELIEF : FILE_WEIGHT[testimony.state]
  }
}

function faded(
  weight: number,
  { kind, at }: { readonly kind: keyof typeof HALF_LIFE_DAYS; readonly at: number },
  now: number,
): number {
  const days = Math.max(0, now - at) / DAY_MS
  return weight * 2 ** (-days / HALF_LIFE_DAYS[kind])
}

const FILE_SENTENCE = {
  packaged: 'its file is as it came with its package',
  changed: 'its file is not as it came with its package',
  gone: 'its file was removed or replaced while it ran',
  temporary: 'its file lies in a folder for temporary files',
} as const

function sentenceOf(testimony: Testimony, now: number): string {
  switch (testimony.kind) {
    case 'list': {
      const why = testimony.reason === undefined ? '' : `: ${testimony.reason}`
      return `on ${testimony.title}, ${testimony.confidence} % sure${why}`
    }
    case 'service':
      return `${testimony.title} gives it ${testimony.score} of 100${ago(testimony.at, now)}`
    case 'detection':
      return `${testimony.detector} found it${ago(testimony.at, now)} (${testimony.severity})`
    case 'block':
      return `blocked by ${testimony.actor}${ago(testimony.at, now)}`
    case 'first-seen':
      return now - testimony.at < DAY_MS
        ? 'first seen within a day'
        : `known for ${Math.floor((now - testimony.at) / DAY_MS)} days`
    case 'country':
      return `in ${testimony.code}, as intel.reputation.countries has it`
    case 'peer':
      return `talks to ${testimony.address}, whose reputation is ${testimony.score}`
    case 'file':
      return FILE_SENTENCE[testimony.state]
  }
}

function ago(at: number, now: number): string {
  const days = Math.floor((now - at) / DAY_MS)
  return days <= 0 ? ' today' : ` ${days} ${days === 1 ? 'day' : 'days'} ago`
}
