import { z } from 'zod'
import { RecentMap } from '#lib/recent-map.ts'
import { ip } from '#model/address.ts'
import type { CallHome } from '#model/call-home.ts'
import { duration } from '../evidence.ts'
import { defineObserver, type Machine, type ObserveContext, type Observing } from '../observer.ts'
import { ATTACKER } from '../self-test/self-test.ts'

const ID = 'call-home'
const MOST_TOLD = 8_192
const DAY_MS = 86_400_000

const settings = z
  .object({
    openings: z
      .int()
      .min(6)
      .max(48)
      .default(12)
      .describe('Connections to one host and port at regular intervals, before anything is told of them'),
    mostJitter: z
      .number()
      .min(0)
      .max(0.15)
      .default(0.1)
      .describe('How much the intervals may differ, as a part of the interval'),
    scatteredOpenings: z
      .int()
      .min(24)
      .max(48)
      .default(30)
      .describe(
        'So many where the intervals differ by more, but nearly all lie within a narrow span: a timer that is scattered on purpose',
      ),
    ignoredPorts: z
      .array(z.int().min(1).max(65_535))
      .max(64)
      .default([53, 123, 853])
      .describe('Ports of services that all machines ask at intervals, such as time and names'),
    programs: z
      .array(z.string().min(1).max(4096))
      .max(200)
      .default([])
      .describe('Paths of programs that may call home, such as a monitoring agent: nothing is told of them'),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineObserver({
  id: ID,
  title: 'Calls home at regular intervals',
  technique: 'T1071',
  usualMode: 'watch',
  settings,
  selfTest: {
    fires: (machine) => machine.heard.callHomes([aHabit(machine, 0.02)], machine.now),
    staysSilent: (machine) => machine.heard.callHomes([aHabit(machine, 0.4)], machine.now),
  },
  observe: (chosen: Settings, context) => new CallHomeObserver(chosen, context),
})

const aHabit = ({ now }: Machine, jitter: number): CallHome => ({
  ...{ program: '/tmp/agent', peer: ip(ATTACKER), port: 443, openings: 20, intervalMs: 300_000 },
  ...{ jitter, firstAt: now - 6_000_000, lastAt: now },
})

class CallHomeObserver implements Observing {
  readonly #settings: Settings
  readonly #context: ObserveContext
  readonly #toldAt = new RecentMap<string, number>(MOST_TOLD)

  constructor(chosen: Settings, context: ObserveContext) {
    this.#settings = chosen
    this.#context = context
  }

  callHomes(habits: readonly CallHome[], now: number): void {
    for (const habit of habits) {
      if (!this.#isWorthTelling(habit, now)) continue
      const key = keyOf(habit)
      if (now - (this.#toldAt.get(key) ?? Number.NEGATIVE_INFINITY) < DAY_MS) continue
      this.#toldAt.set(key, now)
      this.#tell(habit, now)
    }
  }

  #isWorthTelling({ program, port, openings, jitter, lastAt, intervalMs }: CallHome, now: number): boolean {
    const { openings: least, mostJitter, scatteredOpenings, ignoredPorts, programs } = this.#settings
    if (openings < (jitter > mostJitter ? scatteredOpenings : least)) return false
    if (ignoredPorts.includes(port) || programs.includes(program)) return false
    // What an earlier run saw may be over.
    return now - lastAt <= intervalMs * 3
  }

  #tell(habit: CallHome, now: number): void {
    const { program, peer, port, openings, intervalMs, jitter, firstAt, lastAt } = habit
    const isScattered = jitter > this.#settings.mostJitter
    const setting = isScattered ? 'scatteredOpenings' : 'openings'
    this.#context.report({
      kind: isScattered ? 'scattered' : 'regular',
      severity: 'low',
      confidence: Math.round((0.7 - jitter) * 100) / 100,
      at: now,
      subject: peer,
      summary: `${program} opened ${openings} connections to ${peer} port ${port}, one every ${duration(intervalMs)}${isScattered ? ', more or less' : ''}`,
      key: `${ID} ${keyOf(habit)}`,
      because: `detectors.${ID}.${setting} = ${this.#settings[setting]}`,
      spoofable: false,
      evidence: {
        ...{ firstAt, lastAt, count: openings, ports: [port], samples: [] },
        ratePerSecond: Math.round(10_000_000 / intervalMs) / 10_000,
      },
    })
  }
}

const keyOf = ({ program, peer, port }: CallHome): string => `${peer} ${port} ${program}`
