import type { FlowsReport } from '#model/capture-report.ts'
import type { FlowRecord } from '#model/flow.ts'
import { PROTOCOL, TCP } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import type { Engine } from './engine.ts'

/** In one round; what is over waits for the next. */
const MAX_CHANGED = 5_000
/** Between two rounds; what is over is counted. */
const MAX_ENDED = 5_000
/**
 * Flows whose opener was never seen to go on after an answer get a share only: a flood of forged packets opens ten
 * thousands a second, and every report of one costs those who enforce more time than the packet did.
 */
const MAX_UNPROVEN = 250
/** Such a burst is told in the rounds to come: a scan of the thousand usual ports. */
const MAX_UNPROVEN_ENDED = 1_000
/** A record takes some 5 µs to make: a part keeps the thread from its packets for no more than a millisecond. */
const PER_PART = 100
/** Waiting flows looked at for a part; in a flood the proven are few among many. */
const LOOKED_AT_PER_PART = 8_192

/** The list of waiting flows is gone through twice in a round. */
const PROVEN = 0
const ANY = 1
type Pass = typeof PROVEN | typeof ANY

type FlowsPart = Pick<FlowsReport, 'changed' | 'ended' | 'unreported'>

/** Collects what became of flows, and gives it out in rounds of small parts. */
export interface FlowReports {
  /** Must be among the engine's watchers. */
  readonly watcher: Watcher
  /** Begins a round: what happened up to now. The last one knows no shares. */
  begin(which?: 'last'): void
  /** The next part of the round, and whether there is another. Between parts packets may be worked off. */
  next(): { readonly part: FlowsPart; readonly isLast: boolean }
}

/** @param nameOf the name of an interface by its index in the source */
export function createFlowReports(
  engine: Pick<Engine, 'flows' | 'flowRecord' | 'flowInterface' | 'eachChanged'>,
  nameOf: (interfaceIndex: number) => string,
): FlowReports {
  const { flows } = engine
  const waiting = new WaitingFlows(flows.capacity)
  const ended = new EndedFlows()
  /** Who was told that a flow is there is told that it is over. */
  const isTold = new Uint8Array(flows.capacity)
  let budget = 0
  let unprovenBudget = 0
  let unprovenEndedBudget = 0
  const recordOf = (flow: number): FlowRecord => engine.flowRecord(flow, nameOf(engine.flowInterface(flow)))

  /** One who forges his address sees no answer, and cannot go on. */
  function isProven(flow: number): boolean {
    if (flows.packetsBackward(flow) === 0) return false
    if (flows.protocol(flow) !== PROTOCOL.tcp) return true
    return flows.packetsForward(flow) > 1 && (flows.flagsForward(flow) & TCP.ack) !== 0
  }

  function takeChanged(): FlowRecord[] {
    const changed: FlowRecord[] = []
    const report = (flow: number): void => {
      isTold[flow] = 1
      changed.push(recordOf(flow))
    }
    waiting.take(PROVEN, Math.min(budget, PER_PART), isProven, report)
    budget -= changed.length
    if (budget > 0 && !waiting.isThrough(PROVEN)) return changed
    const proven = changed.length
    waiting.take(ANY, Math.min(PER_PART - proven, budget, unprovenBudget), () => true, report)
    budget -= changed.length - proven
    unprovenBudget -= changed.length - proven
    return changed
  }

  function takeEnded(most: number): FlowRecord[] {
    const taken = ended.take(most, unprovenEndedBudget)
    unprovenEndedBudget -= taken.unproven.length
    return [...taken.proven, ...taken.unproven]
  }

  const hasMoreChanged = (): boolean =>
    budget > 0 && (!waiting.isThrough(PROVEN) || (unprovenBudget > 0 && !waiting.isThrough(ANY)))

  return {
    watcher: {
      flowEnded(flow) {
        waiting.remove(flow)
        const proven = isProven(flow)
        if (isTold[flow] === 1 || ended.hasRoom(proven)) ended.add(recordOf(flow), proven)
        isTold[flow] = 0
      },
    },

    begin(which) {
      waiting.compact()
      engine.eachChanged((flow) => waiting.add(flow))
      budget = MAX_CHANGED
      unprovenBudget = MAX_UNPROVEN
      unprovenEndedBudget = which === 'last' ? Number.POSITIVE_INFINITY : MAX_UNPROVEN
    },

    next() {
      const changed = takeChanged()
      const part = {
        changed,
        ended: takeEnded(PER_PART),
        unreported: waiting.count + ended.takeRefused(),
      }
      return { part, isLast: !hasMoreChanged() && !ended.hasMore(unprovenEndedBudget) }
    },
  }
}

/** Flows that are over, until they are reported. */
class EndedFlows {
  readonly #proven: FlowRecord[] = []
  readonly #unproven: FlowRecord[] = []
  #refused = 0

  /** Counts what finds no room. */
  hasRoom(isProven: boolean): boolean {
    const fits = isProven ? this.#proven.length < MAX_ENDED : this.#unproven.length < MAX_UNPROVEN_ENDED
    if (!fits) this.#refused++
    return fits
  }

  add(record: FlowRecord, isProven: boolean): void {
    const queue = isProven ? this.#proven : this.#unproven
    queue.push(record)
  }

  take(
    most: number,
    mostUnproven: number,
  ): { readonly proven: FlowRecord[]; readonly unproven: FlowRecord[] } {
    const proven = this.#proven.splice(0, most)
    return { proven, unproven: this.#unproven.splice(0, Math.min(most - proven.length, mostUnproven)) }
  }

  hasMore(mostUnproven: number): boolean {
    return this.#proven.length > 0 || (mostUnproven > 0 && this.#unproven.length > 0)
  }

  takeRefused(): number {
    const refused = this.#refused
    this.#refused = 0
    return refused
  }
}

/** Flows that changed and were not reported yet, the longest waiting first. Bounded by the flow table. */
class WaitingFlows {
  readonly #flows: Int32Array
  readonly #waits: Uint8Array
  readonly #passes: [proven: number, any: number] = [0, 0]
  #length = 0
  #count = 0

  constructor(capacity: number) {
    this.#flows = new Int32Array(capacity)
    this.#waits = new Uint8Array(capacity)
  }

  /** Flows that wait. */
  get count(): number {
    return this.#count
  }

  add(flow: number): void {
    if (this.#waits[flow] === 1) return
    this.#waits[flow] = 1
    this.#flows[this.#length++] = flow
    this.#count++
  }

  /** Its place in the list stays until `compact`: call that before the next `add`. */
  remove(flow: number): void {
    if (this.#waits[flow] !== 1) return
    this.#waits[flow] = 0
    this.#count--
  }

  /** Begins the passes anew. */
  compact(): void {
    this.#passes.fill(0)
    let kept = 0
    for (let at = 0; at < this.#length; at++) {
      const flow = this.#flows[at] as number
      if (this.#waits[flow] === 1) this.#flows[kept++] = flow
    }
    this.#length = kept
  }

  /** The pass came to the end of the list. */
  isThrough(pass: Pass): boolean {
    return this.#passes[pass] >= this.#length
  }

  /**
   * Hands out at most `most` of those that are wanted; they wait no longer. Each pass goes on where it stopped, which may
   * be before it found as many.
   */
  take(pass: Pass, most: number, isWanted: (flow: number) => boolean, give: (flow: number) => void): void {
    let left = most
    let at = this.#passes[pass]
    const end = Math.min(this.#length, at + LOOKED_AT_PER_PART)
    for (; at < end && left > 0; at++) {
      const flow = this.#flows[at] as number
      if (this.#waits[flow] !== 1 || !isWanted(flow)) continue
      this.remove(flow)
      give(flow)
      left--
    }
    this.#passes[pass] = at
  }
}
