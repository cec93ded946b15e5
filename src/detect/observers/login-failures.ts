import { z } from 'zod'
import { BoundedMap } from '#lib/bounded-map.ts'
import { type Ip, ip, ipBytes, isIpv6 } from '#model/address.ts'
import type { Severity } from '#model/finding.ts'
import type { LoginAttempt } from '#model/login.ts'
import { duration, rateOf } from '../evidence.ts'
import { defineObserver, type Machine, type ObserveContext, type Observing } from '../observer.ts'
import { ATTACKER } from '../self-test/self-test.ts'
import { type Campaign, SharedGuesses } from '../shared-guesses.ts'

/** Addresses whose tries are remembered. New ones are refused when it is full: older evidence stays. */
const MOST_ROWS = 20_000
/** Times of tries that one row keeps; more than any limit. */
const MOST_TIMES = 256
const MOST_USERS = 5
/** Where a try without an address happened. */
const HERE = ip('127.0.0.1')
/** A story that goes on is told again after so long, and then twice as long, up to ten minutes. */
const AGAIN_MS = 5_000
const AGAIN_LATEST_MS = 600_000

const settings = z
  .object({
    failures: z
      .int()
      .min(1)
      .max(MOST_TIMES)
      .default(6)
      .describe('Wrong passwords from one address at one service within the window, as logs tell of them'),
    windowSeconds: z.int().min(10).max(86_400).default(600).describe('The window, in seconds'),
    slowFailures: z
      .int()
      .min(1)
      .max(MOST_TIMES)
      .default(40)
      .describe('The same within a day, for those who take their time'),
    sharedSources: z
      .int()
      .min(3)
      .max(64)
      .default(10)
      .describe('Addresses that failed to log in to one account within a day: they share out the guessing'),
    sharedFailures: z
      .int()
      .min(1)
      .max(MOST_TIMES)
      .default(3)
      .describe(
        'Wrong passwords within a day from one of those addresses, if nobody got in from it that day: little, as many do it',
      ),
    probes: z
      .int()
      .min(1)
      .max(MOST_TIMES)
      .default(30)
      .describe(
        'Visits within the window that end before a password is tried, and pages asked of a web server that it does not have: a warning only',
      ),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineObserver({
  id: 'login-failures',
  title: 'Failed logins, by the logs',
  technique: 'T1110',
  usualMode: 'act',
  settings,
  selfTest: {
    fires: (machine) => guess(machine, { times: 6, pauseMs: 1_000 }),
    staysSilent: (machine) => guess(machine, { times: 30, pauseMs: DAY_MS }),
  },
  observe: (chosen: Settings, context) => new LoginFailures(chosen, context),
})

function guess(machine: Machine, { times, pauseMs }: { times: number; pauseMs: number }): void {
  for (let time = 0; time < times; time++) {
    machine.heard.login({
      ...{ at: machine.now, program: 'sshd', service: 'ssh', outcome: 'refused', times: 1 },
      ...{ address: ip(ATTACKER), user: 'root' },
    })
    machine.pass(pauseMs)
  }
}

const DAY_MS = 86_400_000

type Limit = 'failures' | 'slowFailures' | 'sharedFailures' | 'probes'

interface Row {
  /** Who tried last. */
  address: Ip
  readonly network: string
  readonly service: string
  readonly failedAt: number[]
  readonly probedAt: number[]
  readonly users: string[]
  userCount: number
  lastAt: number
  acceptedAt: number
  toldAt: number
  toldAddress: Ip | undefined
  timesTold: number
}

/** A row is one address, or one /64 of IPv6, whose owner has them all, at one service. Whoever logs in needs a connection, so the address is proven. */
class LoginFailures implements Observing {
  readonly #settings: Settings
  readonly #context: ObserveContext
  readonly #rows = new BoundedMap<string, Row>(MOST_ROWS)
  readonly #shared: SharedGuesses
  #forgotAt = 0

  constructor(chosen: Settings, context: ObserveContext) {
    this.#settings = chosen
    this.#shared = new SharedGuesses(chosen.sharedSources)
    this.#context = context
  }

  login(attempt: LoginAttempt): void {
    const { address = HERE, service, at } = attempt
    const network = networkOf(address)
    const row = this.#rows.getOrCreate(`${service} ${network}`, () => rowOf(address, network, service))
    if (!row) return
    row.address = address
    row.lastAt = at
    if (attempt.outcome === 'accepted') {
      this.#accepted(row, attempt)
      return
    }
    const times = attempt.outcome === 'refused' ? row.failedAt : row.probedAt
    for (let time = 0; time < attempt.times; time++) times.push(at)
    times.splice(0, times.length - MOST_TIMES)
    if (attempt.user !== undefined) noteUser(row, attempt.user)
    this.#weigh(row, at, this.#campaignOf(row, attempt))
  }

  /** The account that is tried is one user's at one service; what happens on the machine itself nobody shares out. */
  #campaignOf(row: Row, { outcome, user, service, at }: LoginAttempt): Campaign | undefined {
    if (outcome !== 'refused' || user === undefined || row.address === HERE) return undefined
    const { address, network } = row
    const campaign = this.#shared.note(`${service} ${user}`, network, { at, address })
    if (campaign?.isNew) this.#tellCampaign(service, user, campaign, at)
    return campaign
  }

  released(address: Ip): void {
    const released = networkOf(address)
    this.#rows.deleteWhere(({ network }) => network === released)
  }

  tick(now: number): void {
    if (now - this.#forgotAt < 60_000) return
    this.#forgotAt = now
    this.#shared.forget(now)
    // Where it is crowded, who tried once is forgotten soon: strangers may not fill the table for a day.
    const least = this.#rows.size > MOST_ROWS / 2 ? 2 : 1
    const { windowSeconds } = this.#settings
    this.#rows.deleteWhere(({ lastAt, failedAt }) => {
      const keptMs = failedAt.length >= least ? DAY_MS : windowSeconds * 1000
      return now - lastAt > keptMs
    })
  }

  #weigh(row: Row, now: number, campaign: Campaign | undefined): void {
    const { failures, slowFailures, sharedFailures, probes, windowSeconds } = this.#settings
    const lately = since(row.failedAt, now - windowSeconds * 1000)
    const slowly = since(row.failedAt, now - DAY_MS)
    const probed = since(row.probedAt, now - windowSeconds * 1000)
    if (lately >= failures) this.#tell(row, 'failures', lately, now)
    else if (slowly >= slowFailures) this.#tell(row, 'slowFailures', slowly, now)
    else if (campaign && slowly >= sharedFailures && now - row.acceptedAt > DAY_MS)
      this.#tell(row, 'sharedFailures', slowly, now)
    else if (probed >= probes) this.#tell(row, 'probes', probed, now)
  }

  /** Somebody who guessed for long, and then got in: a person who mistyped does not come that far. */
  #accepted(row: Row, { at, user }: LoginAttempt): void {
    row.acceptedAt = at
    const lately = since(row.failedAt, at - this.#settings.windowSeconds * 1000)
    if (lately < this.#settings.failures) return
    const firstAt = row.failedAt.at(-lately) ?? at
    this.#context.report({
      kind: `${row.service} broken in`,
      severity: 'critical',
      confidence: 0.6,
      at,
      subject: row.address,
      summary: `${row.address} logged in at ${row.service}${user === undefined ? '' : ` as ${user}`} after ${lately} failures in ${duration(at - firstAt)}`,
      key: `login-failures in ${row.service} ${row.address}`,
      because: `detectors.login-failures.failures = ${this.#settings.failures}`,
      spoofable: false,
      evidence: {
        firstAt,
        lastAt: at,
        count: lately,
        ratePerSecond: rateOf(lately, at - firstAt),
        samples: [],
      },
    })
  }

  /** Each alone may be somebody who mistyped: nobody is blamed before he comes again. */
  #tellCampaign(service: string, user: string, { addresses, firstAt }: Campaign, now: number): void {
    const sources = addresses.length
    this.#context.report({
      kind: `${service} shared out`,
      ...{ severity: 'medium', confidence: 0.7, at: now, subject: HERE, blame: 'nobody' },
      summary: `${sources} addresses failed to log in as ${user} at ${service} in ${duration(now - firstAt)}: they share out the guessing`,
      key: `login-failures shared ${service} ${user}`,
      because: `detectors.login-failures.sharedSources = ${this.#settings.sharedSources}`,
      spoofable: false,
      evidence: {
        ...{ firstAt, lastAt: now, count: sources, sources, hosts: addresses, samples: [] },
        ratePerSecond: rateOf(sources, now - firstAt),
      },
    })
  }

  #tell(row: Row, setting: Limit, count: number, now: number): void {
    const sinceMs = now - row.toldAt
    // What was quiet for as long as the window is another story.
    if (sinceMs > this.#settings.windowSeconds * 1000) row.timesTold = 0
    const waitMs = Math.min(AGAIN_LATEST_MS, AGAIN_MS * 2 ** (row.timesTold - 1))
    // Whoever goes on from another address of the same network is told of at once: a block names one address.
    if (row.timesTold > 0 && sinceMs < waitMs && row.toldAddress === row.address) return
    row.toldAddress = row.address
    row.toldAt = now
    row.timesTold++
    const times = setting === 'probes' ? row.probedAt : row.failedAt
    const firstAt = times.at(-count) ?? now
    this.#context.report({
      kind: setting === 'probes' ? `${row.service} probes` : row.service,
      ...weightOf(row, setting),
      at: now,
      subject: row.address,
      summary: `${row.address} ${wordsOf(row, setting, count)} in ${duration(now - firstAt)}`,
      key: `login-failures ${row.service} ${row.address}${setting === 'probes' ? ' probes' : ''}`,
      because: `detectors.login-failures.${setting} = ${this.#settings[setting]}`,
      spoofable: false,
      evidence: {
        ...{ firstAt, lastAt: now, count, ratePerSecond: rateOf(count, now - firstAt), samples: [] },
      },
    })
  }
}

const networkOf = (address: Ip): string =>
  isIpv6(address) ? ipBytes(address).subarray(0, 8).join('.') : address

const rowOf = (address: Ip, network: string, service: string): Row => ({
  ...{
    address,
    network,
    service,
    toldAddress: undefined,
    failedAt: [],
    probedAt: [],
    users: [],
    userCount: 0,
  },
  ...{ lastAt: 0, acceptedAt: Number.NEGATIVE_INFINITY, toldAt: 0, timesTold: 0 },
})

function noteUser(row: Row, user: string): void {
  if (row.users.includes(user)) return
  row.userCount++
  if (row.users.length < MOST_USERS) row.users.push(user)
}

/** How many of these times, which are in order, are after `from`. */
function since(times: readonly number[], from: number): number {
  let count = 0
  while (count < times.length && (times[times.length - 1 - count] as number) >= from) count++
  return count
}

/** What happens on the machine itself, or was no guess, is for a person to look at. */
function weightOf(row: Row, setting: string): { readonly severity: Severity; readonly confidence: number } {
  if (setting === 'probes') return { severity: 'medium', confidence: 0.5 }
  if (setting === 'sharedFailures') return { severity: 'high', confidence: 0.8 }
  return row.address === HERE
    ? { severity: 'medium', confidence: 0.9 }
    : { severity: 'high', confidence: 0.9 }
}

function wordsOf(row: Row, setting: string, count: number): string {
  if (setting === 'probes') return `came ${count} times to ${row.service} without logging in`
  const named = row.users.join(', ') + (row.userCount > row.users.length ? ' …' : '')
  return `failed to log in ${count} times at ${row.service}${named === '' ? '' : ` (${named})`}`
}
