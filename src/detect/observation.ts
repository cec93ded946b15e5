import { readdir } from 'node:fs/promises'
import type { Ip } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { Usual } from '#model/baseline.ts'
import type { CallHome } from '#model/call-home.ts'
import type { Finding } from '#model/finding.ts'
import type { NewSighting, ProgramChange } from '#model/first-seen.ts'
import type { PartHealth } from '#model/health.ts'
import type { LoginAttempt } from '#model/login.ts'
import type { Carried, Observer, Observing } from './observer.ts'

/** More findings within a second are counted, not told. */
const MOST_PER_SECOND = 100

/** The observers at work: what they hear is handed to each that asked for it. */
export interface Observation {
  login(attempt: LoginAttempt): void
  carried(parts: readonly Carried[], now: number): void
  firstSeen(sightings: readonly NewSighting[], now: number): void
  programChanged(change: ProgramChange, now: number): void
  callHomes(habits: readonly CallHome[], now: number): void
  surroundings(entries: readonly AllowEntry[], now: number): void
  released(address: Ip): void
  watchedSince(at: number): void
  tick(now: number): void
  recall(usual: readonly Usual[]): void
  /** Other settings, from now on; an observer whose settings stay keeps what it knows, the others what they learned. */
  retune(settings: Readonly<Record<string, unknown>>): void
  learned(all: boolean): readonly Usual[]
  readonly health: readonly PartHealth[]
}

/** Every file of `observers/` that is not a test is an observer, named after its file. */
export async function loadObservers(): Promise<readonly Observer<unknown>[]> {
  const folder = new URL('./observers/', import.meta.url)
  const files = (await readdir(folder)).filter((name) => /^[a-z-]+\.ts$/.test(name)).sort()
  return Promise.all(
    files.map(async (name) => {
      const module = (await import(new URL(name, folder).href)) as { default: Observer<unknown> }
      const observer = module.default
      if (`${observer.id}.ts` !== name) throw new Error(`Observer ${observer.id} lives in ${name}`)
      return observer
    }),
  )
}

export interface ObservationParts {
  readonly observers: readonly Observer<unknown>[]
  /** Observer id → its settings, checked before; what is absent has its default. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Milliseconds since the epoch: when it begins. */
  readonly now: number
  readonly onFinding: (finding: Finding) => void
}

export function createObservation({ observers, settings, now, onFinding }: ObservationParts): Observation {
  let untold = 0
  let watchedSince: number | undefined
  let clock = now
  let second = 0
  let told = 0
  const tell = (finding: Finding): void => {
    const inSecond = Math.floor(finding.at / 1000)
    if (inSecond !== second) told = 0
    second = inSecond
    if (told >= MOST_PER_SECOND) untold++
    else onFinding(finding)
    told++
  }
  const man = (observer: Observer<unknown>, chosen: unknown, before?: Post): Post => {
    const { id, technique, settings: schema } = observer
    const parsed = schema.parse(chosen ?? {})
    const settingsText = JSON.stringify(parsed)
    if (before?.settingsText === settingsText) return before
    const report = (finding: Omit<Finding, 'detector' | 'technique'>): void =>
      tell({ ...finding, detector: id, technique })
    const observing = observer.observe(parsed, { report })
    observing.recall?.(before?.observing.learned?.(true) ?? [])
    if (watchedSince !== undefined) observing.watchedSince?.(watchedSince)
    observing.tick?.(clock)
    return { id, settingsText, observing, failure: undefined }
  }
  let posts = observers.map((observer) => man(observer, settings[observer.id]))
  /** One that throws is switched off, the others go on. */
  const each = (call: (observing: Observing) => void): void => {
    for (const post of posts) {
      if (post.failure !== undefined) continue
      try {
        call(post.observing)
      } catch (cause) {
        post.failure = cause instanceof Error ? cause.message : String(cause)
      }
    }
  }
  return {
    login: (attempt) => each((one) => one.login?.(attempt)),
    carried: (parts, now) => each((one) => one.carried?.(parts, now)),
    firstSeen: (sightings, now) => each((one) => one.firstSeen?.(sightings, now)),
    programChanged: (change, now) => each((one) => one.programChanged?.(change, now)),
    callHomes: (habits, now) => each((one) => one.callHomes?.(habits, now)),
    surroundings: (entries, now) => each((one) => one.surroundings?.(entries, now)),
    released: (address) => each((one) => one.released?.(address)),
    watchedSince(at) {
      watchedSince = at
      each((one) => one.watchedSince?.(at))
    },
    tick(at) {
      clock = at
      each((one) => one.tick?.(at))
    },
    recall(usual) {
      for (const { id, observing } of posts)
        observing.recall?.(usual.filter(({ observer }) => observer === id))
    },
    retune(next) {
      posts = observers.map((observer, at) => man(observer, next[observer.id], posts[at]))
    },
    learned(all) {
      const learned: Usual[] = []
      each((one) => learned.push(...(one.learned?.(all) ?? [])))
      return learned
    },
    get health() {
      return [...posts.map(healthOf), ...untoldHealth(untold)]
    },
  }
}

const untoldHealth = (untold: number): PartHealth[] =>
  untold === 0
    ? []
    : [{ part: 'observers', state: 'ok', note: `${untold} findings were not told: too many at once` }]

interface Post {
  readonly id: string
  readonly settingsText: string
  readonly observing: Observing
  failure: string | undefined
}

function healthOf({ id, observing, failure }: Post): PartHealth {
  if (failure === undefined) {
    return { part: `detector ${id}`, state: 'ok', note: observing.learning ?? 'watching' }
  }
  return {
    part: `detector ${id}`,
    state: 'off',
    reason: `failed: ${failure}`,
    remedy: 'Restart Gatehouse to switch it on again, and report this as a bug.',
  }
}
