import { type Actor, type Port, Refused } from '#api/port.ts'
import type { Closes, Views } from '#api/views-port.ts'
import type { Connection, LiveEvent, Outcome, Alert as ShownAlert, Status } from '#contract/schemas.ts'
import type { Enforcer } from '#enforce/enforcer.ts'
import type { Programs } from '#identify/programs/programs.ts'
import { type Ip, networkOf, parseTarget, type Target } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { Decision } from '#model/decision.ts'
import type { Connection as FlowConnection } from '#model/flow.ts'
import type { SocketKey } from '#model/owner.ts'
import type { Place } from '#model/place.ts'
import { StoreError } from '#store/failure.ts'
import type { Slice, Store } from '#store/store.ts'
import { createActs } from './acts.ts'
import type { AlertBook } from './alert-book.ts'
import type { AllowBook } from './allow-book.ts'
import type { CountedBytes } from './byte-keeper.ts'
import type { CallHomeBook } from './call-home.ts'
import type { Gate } from './gate.ts'
import type { LiveConnections } from './live-connections.ts'
import { notBlocked, outcome } from './outcome.ts'
import { duration, shownConnection } from './present.ts'
import { createUndo, type UndoParts } from './undo.ts'
import { createViews } from './views.ts'
import type { WatchdogDesk } from './watchdog.ts'

/** What main.ts hands over so that the API can be answered. */
export interface PortParts extends Pick<UndoParts, 'undoRules' | 'undoFeed' | 'undoPort'> {
  readonly programs: Programs
  readonly gate: Gate
  readonly live: LiveConnections
  readonly alerts: AlertBook
  readonly allow: AllowBook
  readonly store: Store
  readonly enforcer: Pick<Enforcer, 'closeSockets'>
  readonly defaultBlockSeconds: () => number
  readonly closeSocket: (key: SocketKey) => number
  readonly atlas: { placeOf(address: Ip): Place }
  readonly callHomes: CallHomeBook
  readonly now: () => number
  readonly watchdog?: WatchdogDesk | undefined
  readonly bytes: CountedBytes
  readonly status: () => Status
  readonly response: Port['response']
  readonly doctor: Port['doctor']
  readonly metrics: Port['metrics']
  readonly loginLink: Port['loginLink']
  readonly setPassword: Port['setPassword']
  readonly accounts?: Port['accounts']
  readonly proofMs?: Port['proofMs']
  readonly intel: Port['intel']
  readonly detectors?: Port['detectors']
  readonly rules?: Port['rules']
  readonly ruleDrafting?: Port['ruleDrafting']
  readonly settings?: Port['settings']
  readonly timeline?: Port['timeline']
  readonly here?: Port['here']
  readonly pointers?: Port['pointers']
  readonly shieldDesk?: Port['shield']
  readonly decoys?: Port['decoys']
  readonly events: { subscribe: Port['subscribe']; send(event: LiveEvent): void }
}

/** Addresses by the thousand are blocked by mistake more often than on purpose. */
const WIDEST_BITS = { v4: 8, v6: 16 }

/** Answers the API: each act goes through the gate and comes back as a sentence with its inverse. */
export class CorePort implements Port {
  readonly #parts: PortParts
  readonly status: Port['status']
  readonly doctor: Port['doctor']
  readonly metrics: Port['metrics']
  readonly loginLink: Port['loginLink']
  readonly setPassword: Port['setPassword']
  readonly accounts: Port['accounts']
  readonly proofMs: Port['proofMs']
  readonly subscribe: Port['subscribe']
  readonly response: Port['response']
  readonly intel: Port['intel']
  readonly detectors: Port['detectors']
  readonly rules: Port['rules']
  readonly ruleDrafting: Port['ruleDrafting']
  readonly settings: Port['settings']
  readonly timeline: Port['timeline']
  readonly here: Port['here']
  readonly pointers: Port['pointers']
  readonly decoys: Port['decoys']
  readonly shield: Port['shield']
  readonly views: Views
  readonly closes: Closes
  readonly watchdog: WatchdogDesk | undefined
  readonly programBytes: NonNullable<Port['programBytes']>
  readonly undo: Port['undo']

  constructor(parts: PortParts) {
    this.#parts = parts
    this.status = parts.status
    this.doctor = parts.doctor
    this.metrics = parts.metrics
    this.loginLink = parts.loginLink
    this.setPassword = parts.setPassword
    this.accounts = parts.accounts
    this.proofMs = parts.proofMs
    this.subscribe = parts.events.subscribe
    this.intel = parts.intel
    this.detectors = parts.detectors
    this.rules = parts.rules
    this.ruleDrafting = parts.ruleDrafting
    this.settings = parts.settings
    this.timeline = parts.timeline
    this.here = parts.here
    this.pointers = parts.pointers
    this.decoys = parts.decoys
    this.shield = parts.shieldDesk
    this.response = parts.response
    this.views = answeredViews(
      createViews({
        ...parts,
        programBytes: parts.bytes.now,
        countedOver: parts.bytes.over,
        show: (connection) => this.#shown(connection),
        showAlert: shownAlert,
      }),
    )
    this.closes = createActs({ ...parts, note: (undated) => parts.gate.note(undated) })
    this.watchdog = parts.watchdog
    this.programBytes = parts.bytes.report
    this.undo = createUndo({
      ...parts,
      allow: (request, actor, undoes) => this.allow(request, actor, undoes),
      disallow: (target, actor, undoes) => this.disallow(target, actor, undoes),
    })
  }

  liveConnections(): Connection[] {
    return this.#parts.live.all().map((connection) => this.#shown(connection))
  }

  async flows(request: Parameters<Port['flows']>[0]) {
    const slice = await answered(this.#parts.store.flows(request))
    return pageOf(slice, (connection) => this.#shown(connection))
  }

  async alerts(request: Parameters<Port['alerts']>[0]) {
    return pageOf(await answered(this.#parts.store.alerts(request)), shownAlert)
  }

  async archiveAlert(id: number, archived: boolean, _actor: Actor) {
    const alert = this.#parts.alerts.change(id, { archived })
    if (!alert) throw new Refused(404, `There is no recent alert ${id}.`, 'List them: gatehouse alerts')
    await this.#parts.store.recordAlert(alert)
    this.#parts.events.send({ kind: 'alert', alert: shownAlert(alert) })
    return shownAlert(alert)
  }

  blocks() {
    return this.#parts.gate.blocks()
  }

  async block(request: Parameters<Port['block']>[0], actor: Actor): Promise<Outcome> {
    const target = targetOf(request.target)
    const seconds = request.seconds ?? this.#parts.defaultBlockSeconds()
    const by = this.#parts.allow.spares(target)
    if (by)
      throw new Refused(
        409,
        `${target} cannot be blocked: ${by.note}.`,
        'The allow list always wins. See it: gatehouse allow list',
      )
    refuseTooWide(target)
    const length = seconds === 0 ? 'until you unblock it' : `for ${duration(seconds)}`
    const radius = this.response.blastRadius(target)
    if (request.dryRun) {
      const sentence = `${target} would be blocked ${length}. ${radius.sentence}`
      return { sentence, closedConnections: 0, radius }
    }

    const answer = this.#parts.gate.block({
      target,
      ...(seconds === 0 ? {} : { seconds }),
      origin: 'person',
      actor: actor.name,
      reason: request.reason ?? 'blocked by hand',
    })
    if (answer.state === 'spared')
      throw new Refused(409, `${target} cannot be blocked: ${answer.by.note}.`, 'See: gatehouse allow list')
    const closed = this.#parts.enforcer.closeSockets(target)
    await answer.recorded
    const effect = answer.enforced
      ? `is blocked ${length}`
      : `will be blocked ${length} as soon as the kernel takes it (see gatehouse status)`
    const cut = radius.connections === 0 ? '' : ` ${radius.sentence}`
    return { ...outcome(answer.decision, `${target} ${effect}.${cut}`, closed), radius }
  }

  async unblock(target: string, dryRun: boolean, actor: Actor): Promise<Outcome> {
    const named = targetOf(target)
    if (!this.#parts.gate.blockNamed(named)) throw notBlocked(named, this.#parts.gate)
    if (dryRun) return { sentence: `${named} would be reachable again.`, closedConnections: 0 }
    const answer = this.#parts.gate.unblock(named, { actor: actor.name, reason: 'unblocked by hand' })
    if (!answer) throw notBlocked(named, this.#parts.gate)
    await answer.recorded
    return outcome(answer.decision, `${named} is reachable again.`, 0)
  }

  allowList() {
    return [...this.#parts.allow.entries()]
  }

  async allow(request: Parameters<Port['allow']>[0], actor: Actor, undoes?: number): Promise<Outcome> {
    const target = targetOf(request.target)
    const entry = { target, source: 'person' as const, note: request.note ?? `allowed by ${actor.name}` }
    if (request.dryRun) return { sentence: `${target} would never be blocked.`, closedConnections: 0 }
    if (!this.#parts.allow.add(entry))
      throw new Refused(409, `${target} is on the allow list already.`, 'See: gatehouse allow list')
    await this.#parts.store.recordAllow(this.#parts.allow.personal())
    const released = this.#parts.gate.release(entry, actor.name)
    const about = { target, actor: actor.name, reason: entry.note, ...(undoes !== undefined && { undoes }) }
    const noted = this.#parts.gate.note({ kind: 'allow', ...about })
    await Promise.all([noted.recorded, ...released.map((answer) => answer.recorded)])
    const freed =
      released.length === 0
        ? ''
        : ` ${released.map((answer) => answer.block.target).join(', ')} is no longer blocked.`
    return outcome(noted.decision, `${target} will never be blocked.${freed}`, 0)
  }

  async disallow(target: string, actor: Actor, undoes?: number): Promise<Outcome> {
    const named = targetOf(target)
    const entry = this.#parts.allow.remove(named)
    if (!entry) {
      throw new Refused(
        404,
        `Nobody put ${named} on the allow list.`,
        'Only entries that a person added can be removed. See: gatehouse allow list',
      )
    }
    await this.#parts.store.recordAllow(this.#parts.allow.personal())
    const noted = this.#parts.gate.note({
      kind: 'disallow',
      target: named,
      actor: actor.name,
      reason: entry.note,
      ...(undoes !== undefined && { undoes }),
    })
    await noted.recorded
    return outcome(noted.decision, `${named} can be blocked again.`, 0)
  }

  async decisions(request: Parameters<Port['decisions']>[0]) {
    return pageOf(await answered(this.#parts.store.decisions(request)), (decision: Decision) => decision)
  }

  verify(head?: string) {
    return answered(this.#parts.store.verify(head))
  }

  #shown(connection: FlowConnection): Connection {
    // What an address is reserved for does not change: it is not stored.
    const special = connection.special ?? this.#parts.atlas.placeOf(connection.peer).special
    return shownConnection({ ...connection, ...(special !== undefined && { special }) }, this.#blockOf)
  }

  readonly #blockOf = (peer: Ip) => this.#parts.gate.blockOf(peer)
}

/** What the store cannot answer (a cursor that it never gave) is the asker's to mend. */
async function answered<Answer>(question: Promise<Answer>): Promise<Answer> {
  try {
    return await question
  } catch (error) {
    if (error instanceof StoreError) throw new Refused(400, error.message, error.hint)
    throw error
  }
}

/** A cursor that the store never gave is the asker's to mend, here too. */
const answeredViews = (views: Views): Views => ({
  ...views,
  flows: (request) => answered(views.flows(request)),
})

function targetOf(text: string): Target {
  const target = parseTarget(text)
  if (target) return target
  throw new Refused(
    400,
    `"${text}" is not an address or a range.`,
    'Write it like 203.0.113.9, 203.0.113.0/24, 2001:db8::1 or 2001:db8::/32.',
  )
}

function refuseTooWide(target: Target): void {
  const { bits } = networkOf(target)
  const widest = target.includes(':') ? WIDEST_BITS.v6 : WIDEST_BITS.v4
  if (bits >= widest) return
  throw new Refused(
    400,
    `${target} is too wide to block.`,
    `The widest range is /${widest}; split it if you mean it.`,
  )
}

/** The contract's lists are plain arrays that a serializer may keep. */
export function shownAlert(alert: Alert): ShownAlert {
  const { ports, hosts, samples, ...rest } = alert.evidence
  const lists = { ...(ports ? { ports: [...ports] } : {}), ...(hosts ? { hosts: [...hosts] } : {}) }
  return { ...alert, evidence: { ...rest, ...lists, samples: [...samples] } }
}

const pageOf = <From, To>(slice: Slice<From>, show: (item: From) => To) => ({
  items: slice.items.map(show),
  total: slice.total,
  ...(slice.next === undefined ? {} : { next: slice.next }),
})
