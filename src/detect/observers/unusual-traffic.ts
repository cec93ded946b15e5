import { z } from 'zod'
import type { Usual } from '#model/baseline.ts'
import { protocolName } from '#model/packet.ts'
import { programKeyOf } from '#model/summary.ts'
import { amountText, dayText } from '../amounts.ts'
import {
  type Carried,
  defineObserver,
  type Machine,
  type ObserveContext,
  type Observing,
} from '../observer.ts'
import { carriedBy } from '../self-test/machine.ts'
import { type Hour, UsualBook } from '../usual-book.ts'

const ID = 'unusual-traffic'
/** Programs, hosts and services, each in three measures: about two kilobytes of memory a piece. */
const MOST_FOLLOWED = 2_000
const MEGABYTE = 1e6
/** A part of the least that is told of is worth following. */
const FOLLOW_SHARE = 0.01
/** So many times the mean is more than a curiosity. */
const MUCH_TIMES = 10

const settings = z
  .object({
    percent: z
      .int()
      .min(110)
      .max(100_000)
      .default(300)
      .describe('An hour is unusual beyond so many percent of the average of that hour of the week …'),
    spreads: z
      .number()
      .min(1)
      .max(100)
      .default(4)
      .describe('… and when it is above the average by so many times what its hours usually differ by'),
    learnDays: z
      .number()
      .min(1)
      .max(90)
      .default(30)
      .describe('A program, host or service is watched for so many days before anything is told of it'),
    megabytes: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(100)
      .describe('An hour with less than this in one direction is never told of'),
    connections: z
      .int()
      .min(10)
      .max(10_000_000)
      .default(500)
      .describe('An hour with fewer connections than this is never told of, if its bytes are not'),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineObserver({
  id: ID,
  title: 'Traffic beyond what is usual',
  technique: 'T1071',
  usualMode: 'watch',
  settings,
  selfTest: {
    fires(machine) {
      for (let hour = 0; hour < 35 * 24; hour++) sendInAnHour(machine, 40e6)
      sendInAnHour(machine, 2e9)
    },
    staysSilent(machine) {
      for (let hour = 0; hour < 35 * 24; hour++) sendInAnHour(machine, hour % 24 === 3 ? 2e9 : 40e6)
    },
  },
  observe: (chosen: Settings, context) => new UnusualTraffic(chosen, context),
})

function sendInAnHour(machine: Machine, sent: number): void {
  for (let quarter = 0; quarter < 4; quarter++) {
    machine.heard.carried([carriedBy({ sent: sent / 4 })], machine.now)
    machine.pass(900_000)
  }
}

const MEASURES = ['sent', 'received', 'opened'] as const

type Measure = (typeof MEASURES)[number]

class UnusualTraffic implements Observing {
  readonly #settings: Settings
  readonly #context: ObserveContext
  /** Bytes are followed in megabytes, so that one book holds all measures. */
  readonly #book: UsualBook
  #now = 0

  constructor(chosen: Settings, context: ObserveContext) {
    const { percent, spreads, learnDays } = chosen
    this.#settings = chosen
    this.#context = context
    this.#book = new UsualBook({
      ...{ observer: ID, capacity: MOST_FOLLOWED, percent, spreads, learnDays },
      least: FOLLOW_SHARE,
    })
  }

  get learning(): string | undefined {
    const until = this.#book.learnsUntil(this.#now)
    return until === undefined
      ? undefined
      : `learns what is usual until ${dayText(until)}; says nothing before`
  }

  recall(usual: readonly Usual[]): void {
    this.#book.recall(usual)
  }

  learned(all: boolean): readonly Usual[] {
    return this.#book.learned(all)
  }

  tick(now: number): void {
    this.#now = now
    this.#book.turn(now)
  }

  carried(parts: readonly Carried[], now: number): void {
    for (const part of parts) {
      for (const who of whoOf(part)) {
        for (const measure of MEASURES) this.#add(`${measure} ${who}`, measure, part, now)
      }
    }
  }

  #add(key: string, measure: Measure, part: Carried, now: number): void {
    const share = this.#shareOf(measure, part)
    if (share === 0) return
    const hour = this.#book.add(key, share, part.connection.peer, now)
    // In parts of the least that is told of.
    if (!hour || hour.isTold || hour.amount < 1) return
    const { isUnusual, mean } = this.#book.judge(key, hour.amount, now)
    if (!isUnusual) return
    hour.isTold = true
    this.#tell(key, { measure, hour, mean, now })
  }

  #shareOf(measure: Measure, { bytesIn, bytesOut, isNew }: Carried): number {
    const { megabytes, connections } = this.#settings
    if (measure === 'opened') return isNew ? 1 / connections : 0
    return (measure === 'sent' ? bytesOut : bytesIn) / (megabytes * MEGABYTE)
  }

  #tell(
    key: string,
    story: { readonly measure: Measure; readonly hour: Hour; readonly mean: number; readonly now: number },
  ): void {
    const { measure, hour, mean, now } = story
    const { megabytes, connections, percent } = this.#settings
    const unit = measure === 'opened' ? connections : megabytes * MEGABYTE
    const text = (amount: number): string =>
      measure === 'opened' ? `${Math.round(amount)} connections` : `${amountText(amount)} ${measure}`
    const who = key.slice(measure.length + 1)
    const count = Math.round(hour.amount * unit)
    this.#context.report({
      kind: measure,
      severity: hour.amount > mean * MUCH_TIMES ? 'medium' : 'low',
      confidence: 0.5,
      at: now,
      subject: hour.peer,
      summary: `${who}: ${text(count)} within an hour, and usual are ${text(mean * unit)}; the most with ${hour.peer}`,
      key: `${ID} ${key}`,
      because: `detectors.${ID}.percent = ${percent}`,
      spoofable: false,
      evidence: {
        firstAt: hour.beganAt,
        lastAt: now,
        ...{ count, ratePerSecond: Math.round((count * 1000) / Math.max(1000, now - hour.beganAt)) },
        ...(measure !== 'opened' && { bytes: count }),
        samples: [],
      },
    })
  }
}

/** What this belongs to: a program, and a host and a service that heard of it when the program was not known yet. */
function whoOf({ connection, isLate }: Carried): string[] {
  const { owner, peer, direction, protocol, targetPort } = connection
  const program = owner ? [`program ${programKeyOf(owner)}`] : []
  if (isLate) return program
  const side = direction === 'inbound' ? 'here' : 'elsewhere'
  return [...program, `host ${peer}`, `service ${targetPort}/${protocolName(protocol)} ${side}`]
}
