import type { Timeline } from '../../../src/contract/timeline.ts'
import { ask, ProblemError } from '../api.ts'
import { brush, type TimeRange } from '../brush.svelte.ts'
import { clock } from '../clock.svelte.ts'
import { route } from '../route.svelte.ts'
import { cutOf, SPAN_NAMES, type Span } from './spans.ts'

const READ_EVERY_MS = 10_000
/** A brush that is being dragged asks once it rests. */
const READ_AFTER_MS = 200

/** What the timeline shows: the lanes of a period, and the events of its marked part. */
export class TimelineDesk {
  readonly span: Span = $derived(SPAN_NAMES.find((span) => span === route.get('span')) ?? 'day')
  lanes = $state.raw<Timeline | undefined>(undefined)
  marked = $state.raw<Timeline | undefined>(undefined)
  problem = $state.raw<ProblemError | undefined>(undefined)
  #turn = 0

  /** Reads again and again until the answer is called. Call it within an effect. */
  watch(): () => void {
    const { span } = this
    const { range } = brush
    const turn = ++this.#turn
    const read = (): void => void this.#read(turn, span, range)
    const first = setTimeout(read, this.lanes ? READ_AFTER_MS : 0)
    const timer = setInterval(() => !document.hidden && read(), READ_EVERY_MS)
    return () => {
      clearTimeout(first)
      clearInterval(timer)
    }
  }

  async #read(turn: number, span: Span, range: TimeRange | undefined): Promise<void> {
    const { since, until } = cutOf(span, clock.now)
    try {
      const [lanes, marked] = await Promise.all([
        this.#ask(since, until),
        range && this.#ask(range.from, range.to),
      ])
      if (turn !== this.#turn) return
      this.lanes = lanes
      this.marked = marked
      this.problem = undefined
    } catch (problem) {
      if (!(problem instanceof ProblemError)) throw problem
      if (turn === this.#turn) this.problem = problem
    }
  }

  #ask(since: number, until: number): Promise<Timeline> {
    return ask<Timeline>(
      'GET',
      `timeline?${new URLSearchParams({ since: String(since), until: String(until) })}`,
    )
  }
}
