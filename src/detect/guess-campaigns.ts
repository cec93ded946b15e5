/** Hot: runs per failed log-in. Allocates nothing unless it reports. */
import type { Ip } from '#model/address.ts'
import { AnswerSizes } from './answer-sizes.ts'
import { Crowd } from './crowd.ts'
import type { WatchContext } from './detector.ts'
import { duration, rateOf } from './evidence.ts'
import { HostRows, identityOf } from './host-rows.ts'
import { LOGINS } from './logins.ts'

const ROWS = 512
const WINDOW_MS = 1_800_000
/** Sources that are remembered by name. */
const MEMBERS = 64
/** Together they need so many times what one address may. */
const TOGETHER_TIMES = 3
const UNSURE_TIMES = 3

/**
 * Guesses at one service (target and port) that many addresses share out, so that none of them makes many. Nobody is
 * blamed: each alone did too little to tell it from somebody who mistyped.
 */
export class GuessCampaigns {
  readonly #context: WatchContext
  readonly #least: number
  readonly #sources: number
  readonly #rows: HostRows
  readonly #crowd = new Crowd(ROWS)
  readonly #beganAt = new Float64Array(ROWS)
  readonly #guesses = new Uint32Array(ROWS)
  readonly #sizes = new AnswerSizes(ROWS)
  readonly #members = new Int32Array(ROWS * MEMBERS)
  readonly #identities = new Int32Array(ROWS * MEMBERS)

  constructor(context: WatchContext, limits: { readonly perHalfHour: number; readonly sources: number }) {
    this.#context = context
    this.#least = limits.perHalfHour * TOGETHER_TIMES
    this.#sources = limits.sources
    this.#rows = new HostRows(context.hosts, ROWS, WINDOW_MS)
  }

  /** `bytes` came back; 0 where that tells nothing. Four plain numbers: hot path. */
  guessed(flow: number, login: number, at: number, bytes: number): void {
    const { flows, hosts } = this.#context
    const row = this.#rows.claim(flows.target(flow), -1, flows.targetPort(flow), at)
    if (row < 0) return
    const now = Math.max(at, this.#rows.lastAt(row))
    if (this.#rows.isFresh || now - (this.#beganAt[row] as number) > WINDOW_MS) this.#clear(row, now)
    const source = flows.source(flow)
    const identity = identityOf(hosts, source)
    const place = row * MEMBERS + ((this.#guesses[row] as number) % MEMBERS)
    this.#members[place] = source
    this.#identities[place] = identity
    this.#guesses[row] = (this.#guesses[row] as number) + 1
    this.#rows.addWeight(row)
    this.#crowd.add(row, -1, identity)
    this.#sizes.add(row, bytes)
    if ((this.#guesses[row] as number) >= this.#least) this.#weigh(row, login, now)
  }

  #clear(row: number, now: number): void {
    this.#crowd.clear(row)
    this.#beganAt[row] = now
    this.#guesses[row] = 0
    this.#sizes.clear(row)
  }

  #weigh(row: number, login: number, now: number): void {
    const { isUnsure } = LOGINS[login] as (typeof LOGINS)[number]
    if (isUnsure && (this.#guesses[row] as number) < this.#least * UNSURE_TIMES) return
    if (!this.#sizes.areAlike(row)) return
    if (!this.#rows.mayTell(row, now)) return
    const sources = this.#crowd.distinct(row)
    if (sources >= this.#sources) this.#report(row, login, sources, now)
  }

  #report(row: number, login: number, sources: number, now: number): void {
    const rows = this.#rows
    if (!rows.isKnown(row)) return
    rows.tell(row, now)
    const victim = this.#context.hosts.address(rows.first(row))
    const port = rows.what(row)
    const { name, isUnsure } = LOGINS[login] as (typeof LOGINS)[number]
    const firstAt = this.#beganAt[row] as number
    const count = this.#guesses[row] as number
    this.#context.report({
      kind: name,
      severity: isUnsure ? 'medium' : 'high',
      confidence: isUnsure ? 0.5 : 0.7,
      at: now,
      ...{ subject: victim, victim, blame: 'nobody' },
      summary: `${sources} addresses share out guesses at ${victim} port ${port} (${name}): ${count} failed in ${duration(now - firstAt)}`,
      key: `brute-force campaign ${victim} ${port}`,
      because: `detectors.brute-force.sources = ${this.#sources}`,
      spoofable: false,
      evidence: {
        ...{ firstAt, lastAt: now, count, ratePerSecond: rateOf(count, now - firstAt), sources },
        ...{ ports: [port], hosts: this.#membersOf(row), samples: [] },
      },
    })
  }

  /** Who guessed last, of those that are still in the table of hosts. */
  #membersOf(row: number): Ip[] {
    const { hosts } = this.#context
    const known = Array.from({ length: MEMBERS }, (_, index) => row * MEMBERS + index)
      .filter((at) => identityOf(hosts, this.#members[at] as number) === this.#identities[at])
      .map((at) => hosts.address(this.#members[at] as number))
    return [...new Set(known)]
  }
}
