import type { RulesStanding } from '../../src/contract/rule-drafting.ts'
import type {
  Alert,
  Block,
  Connection,
  Decision,
  LiveEvent,
  Page,
  Status,
} from '../../src/contract/schemas.ts'
import { API, ask, ProblemError } from './api.ts'
import { clock } from './clock.svelte.ts'
import { RateHistory } from './connections/rates.ts'
import { openStream, type Stream } from './stream.ts'
import { text } from './text/text.ts'
import { toasts } from './toast.svelte.ts'

/** How the page and the daemon are in touch. `lost` says since when. */
export type Link =
  | { readonly state: 'opening' }
  | { readonly state: 'live' }
  | { readonly state: 'lost'; readonly since: number }

export interface Paused {
  readonly at: number
  readonly missed: number
}

const GONE_STAYS_MS = 10_000
const SHOW_EVERY_MS = 250
/** Of so many connections the list is put in order once a second: more often cannot be read, and takes the reader's frames. */
const MANY = 1500
const SHOW_MANY_EVERY_MS = 1000
const RETRY_MS = [1000, 2000, 5000, 10_000]
/** The daemon says its status every second: a silence this long means that the line is dead. */
const SILENCE_MS = 8000
/** A line that was cut without a word keeps a question waiting for minutes. */
const ASK_WITHIN_MS = 5000
const LOAD_WITHIN_MS = 30_000
const MOST_HELD = 2000
const MOST_ALERTS = 2000
const MOST_DECISIONS = 500
const TRAFFIC_SECONDS = 900

export interface TrafficPoint {
  readonly at: number
  readonly down: number
  readonly up: number
}

/** What the daemon streams, as the page shows it: one stream for everything. */
class Live {
  link = $state.raw<Link>({ state: 'opening' })
  paused = $state.raw<Paused | undefined>(undefined)
  status = $state.raw<Status | undefined>(undefined)
  alerts = $state.raw<readonly Alert[]>([])
  blocks = $state.raw<readonly Block[]>([])
  /** How it stands with the rules: a draft, or a change that waits to be confirmed. */
  rules = $state.raw<RulesStanding | undefined>(undefined)
  /** Decisions made since the page was opened, newest first. */
  decisions = $state.raw<readonly Decision[]>([])
  traffic = $state.raw<readonly TrafficPoint[]>([])
  /** Counts up whenever `connections` is worth drawing again. */
  version = $state(0)
  isLoaded = $state(false)
  /** Counts up when more was missed than the daemon could tell: whoever keeps what came by the stream reads it anew. */
  gaps = $state(0)

  readonly #targets: ReadonlySet<string> = $derived(
    new Set(this.blocks.flatMap(({ target, effect }) => (effect === undefined ? [target] : []))),
  )

  /** Not reactive by itself: thousands of entries change each second. Read `version` first. */
  readonly connections = new Map<number, Connection>()
  /** How fast each of them was of late. */
  readonly rates = new RateHistory()
  /** Counts up with each sample of `rates`. */
  sampled = $state(0)
  /** When a connection that is still shown went away. */
  readonly goneAt = new Map<number, number>()
  /** While true, and for `keptId` always, connections that are over stay in the list. */
  isHeld = false
  keptId: number | undefined

  #source: Stream | undefined
  #heldBack: LiveEvent[] = []
  #isLoading = false
  /** More happened while everything was read, or while the reader held changes back: read once more. */
  #isStale = false
  /** The last event that was taken in: a new stream goes on after it. */
  #lastId: string | undefined
  #retries = 0
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #heardAt = 0
  #isDirty = false
  #isShowing = false
  #shownAt = 0

  /** Opens the stream and keeps it open until the answer is called. */
  start(): () => void {
    this.#open()
    const beat = setInterval(() => this.#beat(), 1000)
    const onVisible = () => this.#show()
    const onOnline = () => this.link.state === 'lost' && this.tryNow()
    document.addEventListener('visibilitychange', onVisible)
    addEventListener('online', onOnline)
    return () => {
      clearInterval(beat)
      clearTimeout(this.#retryTimer)
      document.removeEventListener('visibilitychange', onVisible)
      removeEventListener('online', onOnline)
      this.#source?.close()
      this.#source = undefined
      this.isLoaded = false
    }
  }

  /** Holds all changes back, or lets them in. */
  togglePause(): void {
    if (!this.paused) {
      this.paused = { at: clock.now, missed: 0 }
      return
    }
    const isTooMany = this.#heldBack.length >= MOST_HELD
    this.paused = undefined
    if (isTooMany || this.#isStale) void this.#load()
    else this.#letIn()
  }

  tryNow(): void {
    clearTimeout(this.#retryTimer)
    this.#open()
  }

  /** The daemon's verdict, or the block that this page just heard of; what is over keeps no verdict of its own. */
  isBlocked(connection: Connection): boolean {
    return (
      this.#targets.has(connection.peer) ||
      (connection.verdict === 'blocked' && !this.goneAt.has(connection.id))
    )
  }

  /** Reads the blocks again: after an act, so that its effect is seen at once. */
  async readBlocks(): Promise<void> {
    this.blocks = await ask<Block[]>('GET', 'blocks')
  }

  replaceAlert(alert: Alert): void {
    this.alerts = foldAlert(this.alerts, alert)
  }

  #open(): void {
    clearTimeout(this.#retryTimer)
    this.#source?.close()
    this.#heardAt = Date.now()
    // After a break the daemon tells what was missed, or that it cannot; only a page that has nothing yet reads everything.
    const after = this.isLoaded ? this.#lastId : undefined
    const source = openStream(`${API}/events`, after, {
      opened: () => {
        if (source !== this.#source) return
        this.#retries = 0
        this.#heardAt = Date.now()
        if (after === undefined) void this.#load()
        else this.link = { state: 'live' }
      },
      lost: () => this.#lost(source),
      event: (event, id) => {
        if (source !== this.#source) return
        this.#heardAt = Date.now()
        this.#lastId = id ?? this.#lastId
        if (event) this.#take(event)
      },
    })
    this.#source = source
  }

  #lost(source: Stream): void {
    if (source !== this.#source) return
    source.close()
    if (this.link.state !== 'lost') this.link = { state: 'lost', since: clock.now }
    const wait = RETRY_MS[Math.min(this.#retries++, RETRY_MS.length - 1)] ?? 10_000
    clearTimeout(this.#retryTimer)
    this.#retryTimer = setTimeout(() => {
      // A stream says nothing about why it ended: an ordinary question tells "signed out" from "not there".
      ask<Status>('GET', 'status', undefined, AbortSignal.timeout(ASK_WITHIN_MS)).then(
        () => source === this.#source && this.#open(),
        (problem: unknown) => {
          if (problem instanceof ProblemError && problem.status === 401) return
          this.#lost(source)
        },
      )
    }, wait)
  }

  /** Reads everything once; what the stream brings meanwhile is put on top. */
  async #load(): Promise<void> {
    if (this.#isLoading) {
      // What is being read may be older than what the caller must not miss.
      this.#isStale = true
      return
    }
    this.#isLoading = true
    this.#isStale = false
    const signal = AbortSignal.timeout(LOAD_WITHIN_MS)
    try {
      const [status, connections, alerts, blocks, rules] = await Promise.all([
        ask<Status>('GET', 'status', undefined, signal),
        ask<Connection[]>('GET', 'connections', undefined, signal),
        ask<Page<Alert>>('GET', 'alerts?limit=500', undefined, signal),
        ask<Block[]>('GET', 'blocks', undefined, signal),
        ask<RulesStanding>('GET', 'rules/standing', undefined, signal),
      ])
      this.connections.clear()
      this.goneAt.clear()
      for (const connection of connections) this.connections.set(connection.id, connection)
      this.alerts = alerts.items
      this.blocks = blocks
      this.rules = rules
      this.#setStatus(status)
      this.isLoaded = true
      this.link = { state: 'live' }
    } catch {
      // The stream's own error handling says "lost"; the next open loads again.
      this.isLoaded = false
      this.#source?.close()
      if (this.#source) this.#lost(this.#source)
    } finally {
      this.#isLoading = false
    }
    this.#letIn()
    this.#show()
    if (this.#isStale && this.isLoaded && !this.paused) await this.#load()
  }

  /** The daemon keeps so much and no more: what happened while this page was away is not told, only what is so now. */
  #readAnew(): void {
    this.gaps++
    this.decisions = []
    toasts.show({ kind: 'plain', sentence: text.toast.readAnew })
    if (this.paused) this.#isStale = true
    else void this.#load()
  }

  #take(event: LiveEvent): void {
    if (event.kind === 'reset') {
      this.#readAnew()
      return
    }
    // A countdown goes on, whatever the reader holds back.
    if ((!this.#isLoading && !this.paused) || event.kind === 'rules') {
      this.#apply(event)
      return
    }
    if (this.#heldBack.length < MOST_HELD) this.#heldBack.push(event)
    if (this.paused && event.kind !== 'status') {
      const changes = event.kind === 'connections' ? event.changed.length + event.gone.length : 1
      this.paused = { ...this.paused, missed: this.paused.missed + changes }
    }
  }

  #letIn(): void {
    const events = this.#heldBack
    this.#heldBack = []
    for (const event of events) this.#apply(event)
    this.#show()
  }

  #apply(event: LiveEvent): void {
    if (event.kind === 'status') this.#setStatus(event.status)
    else if (event.kind === 'connections') this.#fold(event.changed, event.gone)
    else if (event.kind === 'alert') this.alerts = foldAlert(this.alerts, event.alert)
    else if (event.kind === 'blocks') this.blocks = event.blocks
    else if (event.kind === 'rules') this.rules = event.standing
    else if (event.kind === 'decision') {
      const { decision } = event
      const others = this.decisions.filter(({ id }) => id !== decision.id)
      this.decisions = [decision, ...others].slice(0, MOST_DECISIONS)
    }
  }

  #setStatus(status: Status): void {
    clock.set(status.now)
    this.status = status
    const { inbound: down, outbound: up } = status.rates
    const point = { at: status.now, down, up }
    this.traffic = [...this.traffic.filter(({ at }) => at < point.at), point].slice(-TRAFFIC_SECONDS)
  }

  #fold(changed: readonly Connection[], gone: readonly number[]): void {
    for (const connection of changed) {
      this.connections.set(connection.id, connection)
      this.goneAt.delete(connection.id)
    }
    const now = Date.now()
    for (const id of gone) if (this.connections.has(id)) this.goneAt.set(id, now)
    if (changed.length + gone.length > 0) this.#isDirty = true
    this.#show()
  }

  /** Lets the views draw what changed, at most four times a second (once, where it is much) and never while the page is hidden. */
  #show(): void {
    if (document.hidden || this.#isShowing) return
    this.#isShowing = true
    const every = this.connections.size > MANY ? SHOW_MANY_EVERY_MS : SHOW_EVERY_MS
    const wait = Math.max(0, this.#shownAt + every - performance.now())
    setTimeout(() => {
      this.#isShowing = false
      this.#shownAt = performance.now()
      this.#isDirty = false
      this.version++
    }, wait)
  }

  #beat(): void {
    if (this.#source && !this.#source.isOver && Date.now() - this.#heardAt > SILENCE_MS) {
      this.#lost(this.#source)
    }
    if (this.rates.tick(performance.now(), this.connections)) this.sampled++
    if (this.isHeld || this.paused || document.hidden) return
    const before = Date.now() - GONE_STAYS_MS
    for (const [id, at] of this.goneAt) {
      if (at > before || id === this.keptId) continue
      this.connections.delete(id)
      this.goneAt.delete(id)
      this.#isDirty = true
    }
    if (this.#isDirty) this.#show()
  }
}

/** Newest first; an alert that is known is replaced. */
function foldAlert(alerts: readonly Alert[], alert: Alert): Alert[] {
  return [alert, ...alerts.filter(({ id }) => id !== alert.id)]
    .sort((a, b) => b.lastSeenAt - a.lastSeenAt)
    .slice(0, MOST_ALERTS)
}

export const live = new Live()
