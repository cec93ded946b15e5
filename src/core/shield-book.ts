import { type Actor, Refused } from '#api/port.ts'
import type { Outcome } from '#contract/schemas.ts'
import type { Shield } from '#enforce/shield.ts'
import type { Ip, Target } from '#model/address.ts'
import type { Decision } from '#model/decision.ts'
import { type Endpoint, endpointText } from '#model/endpoint.ts'
import type { Shielded } from './closed-ports.ts'
import type { Gate } from './gate.ts'
import { outcome } from './outcome.ts'
import { duration } from './present.ts'

/**
 * Before a port: whoever calls there is tried. Before a sender: wherever it calls. `paced`: a UDP port takes few new
 * packets a second.
 */
export type Place =
  | { readonly port: number }
  | { readonly sender: Ip }
  | { readonly paced: Endpoint; readonly perSecond: number; readonly known: readonly Endpoint[] }

type Kernel = Pick<Shield, 'guard' | 'challenge' | 'pace' | 'unguard' | 'unchallenge' | 'unpace' | 'standing'>

export interface ShieldOrder {
  readonly places: readonly Place[]
  /** Milliseconds since the epoch. */
  readonly until: number
  /** What the alert is about: the decision names it. */
  readonly target: Target
  readonly why: string
  readonly alertId: number
  /** What was done, once it is known before what. */
  readonly say: (places: readonly Place[]) => string
}

/** `left`: somebody ended it there by hand, and it stays away until then. */
export type ShieldAnswered =
  | { readonly state: 'up'; readonly said: string }
  | { readonly state: 'left'; readonly until: number }
  | { readonly state: 'refused' }

/** Where a SYN proxy stands, and why: each beginning and end is a decision, and takes back the other. */
export interface ShieldBook {
  raise(order: ShieldOrder): ShieldAnswered
  /** Throws Refused where nothing stands. It does not come back by itself for as long as it would have lasted. */
  end(place: Place, actor: string): Decision
  undo(decision: Decision, actor: Actor): Promise<Outcome>
  about(place: Place): Shielded
}

/** What an undo needs to know of a decision. */
interface Kept {
  readonly places: readonly Place[]
  readonly until: number
  readonly about: Shielded
}

const MOST_REMEMBERED = 64
const UNKNOWN: Shielded = { since: 0, reason: '' }
/** The machine itself, in the log of decisions. */
const SHIELD = 'shield'

function placeText(place: Place): string {
  if ('paced' in place) return `UDP ${endpointText(place.paced)}`
  return 'port' in place ? `port ${place.port}` : place.sender
}

export const createShieldBook = (kernel: Kernel, clerk: Clerk): ShieldBook => new Book(kernel, clerk)

interface Clerk {
  readonly note: Gate['note']
  readonly now: () => number
}

class Book implements ShieldBook {
  readonly #kernel: Kernel
  readonly #clerk: Clerk
  /** Place → why; of places that stand. */
  readonly #about = new Map<string, Shielded>()
  /** Place → until when the shield stays away, because somebody ended it. */
  readonly #ended = new Map<string, number>()
  readonly #kept = new Map<number, Kept>()

  constructor(kernel: Kernel, clerk: Clerk) {
    this.#kernel = kernel
    this.#clerk = clerk
  }

  raise(order: ShieldOrder): ShieldAnswered {
    this.#forget()
    const { until, why, alertId, target } = order
    const places = order.places.filter((place) => this.#awayUntil(place) <= this.#clerk.now())
    if (places.length === 0) {
      return { state: 'left', until: Math.max(...order.places.map((place) => this.#awayUntil(place))) }
    }
    const fresh = places.filter((place) => this.#untilOf(place) === undefined)
    if (!this.#put(places, until)) return { state: 'refused' }
    const said = order.say(places)
    if (fresh.length === 0) return { state: 'up', said }
    const about = { since: this.#clerk.now(), reason: why, alertId }
    this.#noteRaised({ places: fresh, until, about }, { target, actor: SHIELD, reason: said })
    return { state: 'up', said }
  }

  end(place: Place, actor: string): Decision {
    if (this.#untilOf(place) === undefined)
      throw new Refused(404, `There is no shield before ${placeText(place)}.`, 'See gatehouse shield.')
    return this.#lower([place], { target: placeText(place) as Target, actor, reason: 'ended by hand' })
  }

  about(place: Place): Shielded {
    return this.#about.get(placeText(place)) ?? UNKNOWN
  }

  async undo(decision: Decision, { name }: Actor): Promise<Outcome> {
    const { id, kind, target } = decision
    const by = { target, actor: name, reason: `undid decision ${id}`, undoes: id }
    const kept = this.#kept.get(id)
    return kind === 'shield' ? this.#undoRaised(kept, by) : this.#undoLowered(kept, by)
  }

  #undoRaised(kept: Kept | undefined, by: By): Outcome {
    const places = (kept?.places ?? []).filter((place) => this.#untilOf(place) !== undefined)
    if (places.length === 0) throw new Refused(409, 'That shield is no longer up.', 'See gatehouse shield.')
    const decision = this.#lower(places, by)
    return outcome(decision, `${placesText(places)}: the shield is gone.`, 0)
  }

  #undoLowered(kept: Kept | undefined, by: By): Outcome {
    const now = this.#clerk.now()
    if (!kept || kept.until <= now)
      throw new Refused(
        409,
        'The time for which that shield was up is over.',
        'It comes back by itself where it is needed: see gatehouse shield.',
      )
    const { places, until } = kept
    if (!this.#put(places, until))
      throw new Refused(503, 'The kernel did not put the shield up.', 'See gatehouse doctor.')
    for (const place of places) this.#ended.delete(placeText(place))
    const decision = this.#noteRaised(kept, by)
    const lasts = duration((until - now) / 1000)
    return outcome(decision, `${placesText(places)}: the shield is up for ${lasts}.`, 0)
  }

  #noteRaised(kept: Kept, by: By): Decision {
    const { places, until, about } = kept
    for (const place of places) this.#about.set(placeText(place), about)
    const forSeconds = Math.max(1, Math.round((until - this.#clerk.now()) / 1000))
    const { alertId } = about
    const { decision } = this.#clerk.note({
      ...{ kind: 'shield', ...by, forSeconds },
      ...(alertId !== undefined && { alertId }),
    })
    this.#keep(decision, kept)
    return decision
  }

  #lower(places: readonly Place[], by: By): Decision {
    const [first] = places
    const until = Math.max(...places.map((place) => this.#untilOf(place) ?? 0))
    const about = first ? this.about(first) : UNKNOWN
    this.#take(places)
    for (const place of places) this.#ended.set(placeText(place), until)
    const { decision } = this.#clerk.note({ kind: 'unshield', ...by })
    this.#keep(decision, { places, until, about })
    this.#forget()
    return decision
  }

  #put(places: readonly Place[], until: number): boolean {
    const { ports, senders, paced } = sorted(places)
    const isGuarded = ports.map((port) => this.#kernel.guard(port, until)).every(Boolean)
    const isPaced = paced
      .map(({ paced, perSecond, known }) => this.#kernel.pace({ ...paced, perSecond, known, until }))
      .every(Boolean)
    return isGuarded && isPaced && (senders.length === 0 || this.#kernel.challenge(senders, until))
  }

  #take(places: readonly Place[]): void {
    const { ports, senders, paced } = sorted(places)
    const isOpen = [
      ...ports.map((port) => this.#kernel.unguard(port)),
      ...paced.map((one) => this.#kernel.unpace(one.paced)),
    ].every(Boolean)
    if (!this.#kernel.unchallenge(senders) || !isOpen)
      throw new Refused(503, 'The kernel did not take the shield away.', 'See gatehouse doctor.')
  }

  #untilOf(place: Place): number | undefined {
    const { guarded, challenged, paced } = this.#kernel.standing()
    if ('paced' in place) return paced.get(endpointText(place.paced))?.until
    return 'port' in place ? guarded.get(place.port) : challenged.get(place.sender)
  }

  #awayUntil(place: Place): number {
    return this.#ended.get(placeText(place)) ?? 0
  }

  #keep({ id }: Decision, kept: Kept): void {
    const [oldest] = this.#kept.keys()
    if (this.#kept.size >= MOST_REMEMBERED && oldest !== undefined) this.#kept.delete(oldest)
    this.#kept.set(id, kept)
  }

  /** What is over by itself needs no words any more. */
  #forget(): void {
    const { guarded, challenged, paced } = this.#kernel.standing()
    const standing = new Set([
      ...[...guarded.keys()].map((port) => `port ${port}`),
      ...[...paced.keys()].map((endpoint) => `UDP ${endpoint}`),
      ...challenged.keys(),
    ])
    for (const key of this.#about.keys()) if (!standing.has(key)) this.#about.delete(key)
    for (const [key, until] of this.#ended) if (until <= this.#clerk.now()) this.#ended.delete(key)
  }
}

type By = Pick<Decision, 'target' | 'actor' | 'reason' | 'undoes'>

function sorted(places: readonly Place[]) {
  return {
    paced: places.flatMap((place) => ('paced' in place ? [place] : [])),
    ports: places.flatMap((place) => ('port' in place ? [place.port] : [])),
    senders: places.flatMap((place) => ('sender' in place ? [place.sender] : [])),
  }
}

function placesText(places: readonly Place[]): string {
  const [first] = places
  const text = places.length === 1 && first ? placeText(first) : `${places.length} addresses`
  return text.charAt(0).toUpperCase() + text.slice(1)
}
