import { z } from 'zod'
import type { Usual } from '#model/baseline.ts'
import { programKeyOf } from '#model/summary.ts'
import { amountText, dayText } from '../amounts.ts'
import { type Carried, defineObserver, type ObserveContext, type Observing } from '../observer.ts'
import { carriedBy } from '../self-test/machine.ts'
import { type Hour, type Judgement, UsualBook } from '../usual-book.ts'

const ID = 'outbound-transfer'
/** Programs with hosts: about two kilobytes of memory a piece. */
const MOST_FOLLOWED = 1_000
const MEGABYTE = 1e6
/** A part of the least that is told of is worth following. */
const FOLLOW_SHARE = 0.05
const MUCH_TIMES = 10

const settings = z
  .object({
    megabytes: z
      .int()
      .min(1)
      .max(10_000_000)
      .default(2_000)
      .describe('What one program may send to one host within an hour, in connections that it opened'),
    unusualMegabytes: z
      .int()
      .min(1)
      .max(10_000_000)
      .default(200)
      .describe('An hour that is unusual for that program and host is told of from here on'),
    percent: z
      .int()
      .min(110)
      .max(100_000)
      .default(300)
      .describe('Unusual is more than so many percent of the average of that hour of the week …'),
    spreads: z
      .number()
      .min(1)
      .max(100)
      .default(4)
      .describe('… and above it by so many times what its hours usually differ by'),
    learnDays: z
      .number()
      .min(1)
      .max(90)
      .default(30)
      .describe(
        'A program and host are watched for so many days before that counts; a backup that is usual by then is told of no more',
      ),
    withPrivate: z
      .boolean()
      .default(false)
      .describe('Look at hosts of private networks too, such as a storage in the house'),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineObserver({
  id: ID,
  title: 'Large outbound transfer',
  technique: 'T1048',
  usualMode: 'watch',
  settings,
  selfTest: {
    fires: ({ heard, now }) => heard.carried([carriedBy({ sent: 3e9 })], now),
    staysSilent: ({ heard, now }) => heard.carried([carriedBy({ received: 9e9 })], now),
  },
  observe: (chosen: Settings, context) => new OutboundTransfer(chosen, context),
})

/** A key is a program and a host. */
class OutboundTransfer implements Observing {
  readonly #settings: Settings
  readonly #context: ObserveContext
  readonly #book: UsualBook
  #now = 0

  constructor(chosen: Settings, context: ObserveContext) {
    const { percent, spreads, learnDays, unusualMegabytes } = chosen
    this.#settings = chosen
    this.#context = context
    this.#book = new UsualBook({
      ...{ observer: ID, capacity: MOST_FOLLOWED, percent, spreads, learnDays },
      least: unusualMegabytes * MEGABYTE * FOLLOW_SHARE,
    })
  }

  get learning(): string | undefined {
    const until = this.#book.learnsUntil(this.#now)
    if (until === undefined) return undefined
    return `learns what is usual until ${dayText(until)}; before, only detectors.${ID}.megabytes counts`
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
    for (const part of parts) this.#add(part, now)
  }

  #add({ connection, bytesOut }: Carried, now: number): void {
    const { owner, peer, direction, special } = connection
    if (!owner || bytesOut === 0 || direction === 'local') return
    if (special !== undefined && !this.#settings.withPrivate) return
    const who = `${programKeyOf(owner)} ${peer}`
    // What is served to those who came is a service's own business, unless it is unusual.
    const key = direction === 'inbound' ? `served ${who}` : `sent ${who}`
    const hour = this.#book.add(key, bytesOut, peer, now)
    if (!hour || hour.isTold) return
    const judged = this.#book.judge(key, hour.amount, now)
    const setting = this.#settingOver(hour, judged, direction === 'inbound')
    if (!setting) return
    hour.isTold = true
    this.#tell({ key, program: programKeyOf(owner), hour, judged, setting, now })
  }

  #settingOver(
    { amount }: Hour,
    { isUnusual }: Judgement,
    isServed: boolean,
  ): 'megabytes' | 'percent' | undefined {
    const { megabytes, unusualMegabytes } = this.#settings
    if (isUnusual === true) return amount > unusualMegabytes * MEGABYTE ? 'percent' : undefined
    // Once it is known what is usual, what is usual is no news.
    return isUnusual === undefined && !isServed && amount > megabytes * MEGABYTE ? 'megabytes' : undefined
  }

  #tell(story: {
    readonly key: string
    readonly program: string
    readonly hour: Hour
    readonly judged: Judgement
    readonly setting: 'megabytes' | 'percent'
    readonly now: number
  }): void {
    const { key, program, hour, judged, setting, now } = story
    const bytes = Math.round(hour.amount)
    const usual = setting === 'percent' ? `; usual are ${amountText(judged.mean)}` : ''
    this.#context.report({
      kind: setting === 'percent' ? 'unusual' : 'large',
      severity: hour.amount > judged.mean * MUCH_TIMES ? 'medium' : 'low',
      confidence: 0.5,
      at: now,
      subject: hour.peer,
      summary: `${program} sent ${amountText(bytes)} to ${hour.peer} within an hour${usual}`,
      key: `${ID} ${key}`,
      because: `detectors.${ID}.${setting} = ${this.#settings[setting]}`,
      spoofable: false,
      evidence: {
        ...{ firstAt: hour.beganAt, lastAt: now, count: bytes, bytes, samples: [] },
        ratePerSecond: Math.round((bytes * 1000) / Math.max(1000, now - hour.beganAt)),
      },
    })
  }
}
