import type { FlowsReport } from '#model/capture-report.ts'
import type { FlowRecord } from '#model/flow.ts'
import type { Watcher } from '#model/watcher.ts'
import type { Engine } from './engine.ts'

/** In one round; what is over waits for the next. Most flows of a flood are never answered: they get a share only. */
const MAX_CHANGED = 5_000
const MAX_CHANGED_UNANSWERED = 1_000
/** Between two rounds; what is over is counted. */
const MAX_ENDED = 5_000
const MAX_ENDED_UNANSWERED = 1_000
/** A record takes some 5 µs to make: a part keeps the thread from its packets for no more than a millisecond. */
const CHANGED_PER_PART = 100
const ENDED_PER_PART = 500

/** The list of waiting flows is gone through twice in a round. */
const ANSWERED = 0
const ANY = 1
type Pass = typeof ANSWERED | typeof ANY

type FlowsPart = Pick<FlowsReport, 'changed' | 'ended' | 'unreported'>

/** Collects what became of flows, and gives it out in rounds of small parts. */
export interface FlowReports {
  /** Must be among the engine's watchers. */
  readonly watcher: Watcher
  /** Begins a round: what happened up to now. */
  begin(): void
  /** The next part of the round, and whether there is another. Between parts packets may be worked off. */
  next(): { readonly part: FlowsPart; readonly isLast: boolean }
}

/** @param nameOf the name of an interface by its index in the source */
export function createFlowReports(
  engine: Pick<Engine, 'flows' | 'flowRecord' | 'flowInterface' | 'eachChanged'>,
  nameOf: (interfaceIndex: number) => string,
): FlowReports {
  const waiting = new WaitingFlows(engine.flows.capacity)
  const ended = new EndedFlows()
  let budget = 0
  let budgetUnanswered = 0
  const isAnswered = (flow: number): boolean => engine.flows.packetsBackward(flow) > 0
  const recordOf = (flow: number): FlowRecord => engine.flowRecord(flow, nameOf(engine.flowInterface(flow)))

  function takeChanged(): FlowRecord[] {
    const changed: FlowRecord[] = []
    const report = (flow: number): void => void changed.push(recordOf(flow))
    const most = Math.min(budget, CHANGED_PER_PART)
    waiting.take(ANSWERED, most, isAnswered, report)
    const answered = changed.length
    waiting.take(ANY, Math.min(most - answered, budgetUnanswered), () => true, report)
    budget -= changed.length
    budgetUnanswered -= changed.length - answered
    return changed
  }

  return {
    watcher: {
      flowEnded(flow) {
        waiting.remove(flow)
        const answered = isAnswered(flow)
        if (ended.hasRoom(answered)) ended.add(recordOf(flow), answered)
      },
    },

    begin() {
      waiting.compact()
      engine.eachChanged((flow) => waiting.add(flow))
      budget = MAX_CHANGED
      budgetUnanswered = MAX_CHANGED_UNANSWERED
    },

    next() {
      const changed = takeChanged()
      const part = { changed, ended: ended.take(), unreported: waiting.count + ended.takeRefused() }
      return { part, isLast: changed.length < CHANGED_PER_PART && ended.isEmpty }
    },
  }
}

/** Flows that are over, until they are reported. */
class EndedFlows {
  #records: FlowRecord[] = []
  #unanswered = 0
  #refused = 0

  get isEmpty(): boolean {
    return this.#records.length === 0
  }

  /** Counts what finds no room. */
  hasRoom(isAnswered: boolean): boolean {
    const fits = this.#records.length < MAX_ENDED && (isAnswered || this.#unanswered < MAX_ENDED_UNANSWERED)
    if (!fits) this.#refused++
    return fits
  }

  add(record: FlowRecord, isAnswered: boolean): void {
    this.#records.push(record)
    if (!isAnswered) this.#unanswered++
  }

  take(): FlowRecord[] {
    const taken = this.#records.splice(0, ENDED_PER_PART)
    if (this.isEmpty) this.#unanswered = 0
    return taken
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
  readonly #passes: [answered: number, any: number] = [0, 0]
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

  /** Hands out at most `most` of those that are wanted; they wait no longer. Each pass goes on where it stopped. */
  take(pass: Pass, most: number, isWanted: (flow: number) => boolean, give: (flow: number) => void): void {
    let left = most
    let at = this.#passes[pass]
    for (; at < this.#length && left > 0; at++) {
      const flow = this.#flows[at] as number
      if (this.#waits[flow] !== 1 || !isWanted(flow)) continue
      this.remove(flow)
      give(flow)
      left--
    }
    this.#passes[pass] = at
  }
}
