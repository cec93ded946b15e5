import { z } from 'zod'
import { ip } from '#model/address.ts'
import { FIRST_KINDS, type NewSighting } from '#model/first-seen.ts'
import { dayText } from '../amounts.ts'
import { defineObserver, type Machine, type ObserveContext, type Observing } from '../observer.ts'
import { ATTACKER } from '../self-test/self-test.ts'

const ID = 'first-seen'
/** What owns connections that no program has: see identify/owners. */
const KERNEL = 'kernel'
const DAY_MS = 86_400_000

const settings = z
  .object({
    kinds: z
      .array(z.enum(FIRST_KINDS))
      .max(FIRST_KINDS.length)
      .default(['program', 'program-country'])
      .describe(
        'What is told of: a program that was never seen, or one that talks to a host or a country for the first time',
      ),
    learnDays: z
      .number()
      .min(0)
      .max(90)
      .default(7)
      .describe('For so many days a program, and all that it talks to, is new and no news'),
    mostPeers: z
      .int()
      .min(1)
      .max(500)
      .default(20)
      .describe(
        'A program with more hosts (or countries) than this, such as a browser, meets new ones all the time',
      ),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineObserver({
  id: ID,
  title: 'Never seen before',
  technique: 'T1071',
  usualMode: 'watch',
  settings,
  selfTest: {
    fires: (machine) => meet(machine, 'NZ', 30),
    staysSilent: (machine) => meet(machine, 'NZ', 1),
  },
  observe: (chosen: Settings, context) => new FirstSeenObserver(chosen, context),
})

/** A program that is known for some days talks to a country for the first time. */
function meet(machine: Machine, peer: string, knownDays: number): void {
  const { heard, now } = machine
  heard.watchedSince(now - 60 * DAY_MS)
  const program = { kind: 'program-country', program: '/usr/bin/sync', peer, peers: 1 } as const
  heard.firstSeen([{ ...program, address: ip(ATTACKER), at: now, programAt: now - knownDays * DAY_MS }], now)
}

class FirstSeenObserver implements Observing {
  readonly #settings: Settings
  readonly #context: ObserveContext
  /** The first program of all: since then this machine is watched. */
  #since: number | undefined
  #now = 0

  constructor(chosen: Settings, context: ObserveContext) {
    this.#settings = chosen
    this.#context = context
  }

  get learning(): string | undefined {
    const until = (this.#since ?? this.#now) + this.#settings.learnDays * DAY_MS
    return until > this.#now ? `learns what is usual until ${dayText(until)}; says nothing before` : undefined
  }

  tick(now: number): void {
    this.#now = now
  }

  watchedSince(at: number): void {
    this.#since = at
  }

  firstSeen(sightings: readonly NewSighting[], now: number): void {
    for (const sighting of sightings) {
      this.#since ??= sighting.at
      if (this.#isNews(sighting, now)) this.#tell(sighting, now)
    }
  }

  #isNews({ kind, program, programAt, peers }: NewSighting, now: number): boolean {
    const { kinds, learnDays, mostPeers } = this.#settings
    // It answers whoever asks: nobody started it to talk to somebody.
    if (program === KERNEL) return false
    if (!kinds.includes(kind) || peers > mostPeers) return false
    const knownSince = kind === 'program' ? (this.#since ?? now) : programAt
    return now - knownSince >= learnDays * DAY_MS
  }

  #tell({ kind, program, peer, address, at, peers }: NewSighting, now: number): void {
    const what = kind === 'program' ? `${program} was seen for the first time, with` : `${program} talked to`
    const whom = kind === 'program-country' ? `${peer} for the first time, with ${address}` : address
    const end = kind === 'program-host' ? ' for the first time' : ''
    this.#context.report({
      kind,
      severity: kind === 'program-country' ? 'low' : 'info',
      confidence: 0.4,
      at: now,
      subject: address,
      summary: `${what} ${whom}${end}`,
      key: `${ID} ${kind} ${program} ${peer ?? ''}`,
      because: `detectors.${ID}.kinds has ${kind}`,
      spoofable: false,
      evidence: { firstAt: at, lastAt: now, count: Math.max(1, peers), ratePerSecond: 0, samples: [] },
    })
  }
}
