import { readdir } from 'node:fs/promises'
import { BitSet } from '#lib/bit-set.ts'
import { BoundedMap } from '#lib/bounded-map.ts'
import { atLeast, type Finding, type Severity } from '#model/finding.ts'
import type { Flows } from '#model/flow.ts'
import type { PartHealth } from '#model/health.ts'
import type { Hosts } from '#model/host.ts'
import type { Watcher } from '#model/watcher.ts'
import { BorrowedNames } from './borrowed-names.ts'
import type { Detector, ReportedFinding } from './detector.ts'
import { Guard, type Post } from './guard.ts'
import { LinkSenders } from './link-senders.ts'

/** The same story is not told twice within this time, unless it got worse. */
const SAME_STORY_MS = 1_000
/** A story that was not heard for this long is a new one. */
const FORGET_STORY_MS = 3_600_000
const MOST_STORIES = 20_000
/** More findings within a second of packet time are counted, not told: a flood of sources may not become one of alerts. */
const MOST_PER_SECOND = 1_000

interface Told {
  at: number
  severity: Severity
}

/** Settings of one detector that do not fit: `path` is where in the configuration. */
export class DetectorSettingsError extends Error {
  readonly path: string
  readonly hint: string

  constructor(path: string, message: string, hint: string) {
    super(`${path}: ${message}`)
    this.name = 'DetectorSettingsError'
    this.path = path
    this.hint = hint
  }
}

/** The detectors at work. Give `watchers` to the engine. */
export interface Detection {
  readonly watchers: readonly Watcher[]
  /**
   * Takes other settings: detectors whose settings differ begin anew, the others keep what they know. The engine needs
   * the new `watchers`. Throws DetectorSettingsError, and leaves all as it is, when the settings do not fit.
   */
  retune(settings: Readonly<Record<string, unknown>>): void
  /** One entry per detector: `off` when it failed and was switched off. */
  health(): readonly PartHealth[]
  /** Findings that were not told because there were too many within a second. */
  readonly untold: number
}

/** Every file of `detectors/` that is not a test is a detector, named after its file. */
export async function loadDetectors(): Promise<readonly Detector<unknown>[]> {
  const folder = new URL('./detectors/', import.meta.url)
  const files = (await readdir(folder)).filter((name) => /^[a-z-]+\.ts$/.test(name)).sort()
  return Promise.all(
    files.map(async (name) => {
      const module = (await import(new URL(name, folder).href)) as { default: Detector<unknown> }
      const detector = module.default
      if (`${detector.id}.ts` !== name) throw new Error(`Detector ${detector.id} lives in ${name}`)
      return detector
    }),
  )
}

/** `settings` is the section `detectors` of the configuration: detector id → its settings; what is absent has its default. */
export function createDetection(
  detectors: readonly Detector<unknown>[],
  settings: Readonly<Record<string, unknown>>,
  tracked: { readonly hosts: Hosts; readonly flows: Flows },
  onFinding: (finding: Finding) => void,
): Detection {
  const teller = new Teller(onFinding)
  const followed = new BitSet(tracked.flows.capacity)
  const follow = (flow: number): void => followed.add(flow)
  const link = new LinkSenders(tracked.hosts)
  const borrowed = new BorrowedNames(link)
  const senders: Post = { id: 'senders', settingsText: '', watcher: link.watcher }
  // After the detectors: a flow is followed to its end.
  const told: Watcher = {
    tick: (now) => teller.forget(now),
    flowEnded: (flow) => followed.delete(flow),
  }
  function man(
    detector: Detector<unknown>,
    all: Readonly<Record<string, unknown>>,
    before: Post | undefined,
  ): Post {
    const chosen = settingsOf(detector, all[detector.id] ?? {})
    const settingsText = JSON.stringify(chosen)
    if (before?.settingsText === settingsText) return before
    const { id, technique } = detector
    const report = (finding: ReportedFinding): void =>
      teller.tell({ ...borrowed.told(finding, technique), detector: id, technique })
    const context = { ...tracked, link, borrowed, report, follow }
    return { id, settingsText, watcher: detector.watch(chosen, context) }
  }
  refuseUnknown(detectors, settings)
  let posts = detectors.map((detector) => man(detector, settings, undefined))
  const guardOf = (): Guard => new Guard([...posts, senders], tracked.flows, followed)
  let guard = guardOf()
  return {
    get watchers() {
      return [guard.watcher, told]
    },
    retune(next) {
      refuseUnknown(detectors, next)
      posts = detectors.map((detector, at) => man(detector, next, posts[at]))
      guard = guardOf()
    },
    // The senders are no detector: only that they failed is worth a line.
    health: () => guard.health.filter(({ state }, at) => at < posts.length || state !== 'ok'),
    get untold() {
      return teller.untold
    },
  }
}

/** Folds what is told twice, and bounds how much is told. */
class Teller {
  untold = 0
  readonly #onFinding: (finding: Finding) => void
  readonly #told = new BoundedMap<string, Told>(MOST_STORIES)
  #second = 0
  #toldThisSecond = 0

  constructor(onFinding: (finding: Finding) => void) {
    this.#onFinding = onFinding
  }

  tell(finding: Finding): void {
    const before = this.#told.getOrCreate(finding.key, () => ({
      at: Number.NEGATIVE_INFINITY,
      severity: finding.severity,
    }))
    const isAgain = before !== undefined && before.at !== Number.NEGATIVE_INFINITY
    if (before && isAgain && finding.at - before.at < SAME_STORY_MS && !isWorse(finding, before)) return
    if (!this.#hasRoom(finding.at)) return
    if (before) {
      before.at = finding.at
      before.severity = finding.severity
    }
    this.#onFinding(isAgain ? { ...finding, again: true } : finding)
  }

  forget(now: number): void {
    this.#told.deleteWhere((told) => now - told.at > FORGET_STORY_MS)
  }

  #hasRoom(at: number): boolean {
    const second = Math.floor(at / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#toldThisSecond = 0
    }
    if (this.#toldThisSecond >= MOST_PER_SECOND) {
      this.untold++
      return false
    }
    this.#toldThisSecond++
    return true
  }
}

const isWorse = (finding: Finding, before: Told): boolean => !atLeast(before.severity, finding.severity)

function refuseUnknown(
  detectors: readonly Detector<unknown>[],
  settings: Readonly<Record<string, unknown>>,
): void {
  const known = detectors.map((detector) => detector.id)
  const unknown = Object.keys(settings).find((id) => !known.includes(id))
  if (unknown === undefined) return
  throw new DetectorSettingsError(
    `detectors.${unknown}`,
    'there is no such detector',
    `Use one of: ${known.join(', ')}.`,
  )
}

function settingsOf(detector: Detector<unknown>, chosen: unknown): unknown {
  const answer = detector.settings.safeParse(chosen)
  if (answer.success) return answer.data
  const [issue] = answer.error.issues
  const path = ['detectors', detector.id, ...(issue?.path ?? [])].join('.')
  throw new DetectorSettingsError(path, issue?.message ?? 'does not fit', 'Correct or remove the setting.')
}
