import type { Feed, FeedChange, FeedOutcome } from '../../../src/contract/intel.ts'
import { takeBack } from '../acts.ts'
import { ask, ProblemError } from '../api.ts'
import { readAgain } from '../read-again.ts'
import { saidText } from '../text/said.svelte.ts'
import { toasts } from '../toast.svelte.ts'
import { undoStack } from '../undo.svelte.ts'

const AGAIN_MS = 5_000

/** The threat lists as this page shows them, and every act on them. */
class ListsDesk {
  feeds = $state.raw<readonly Feed[] | undefined>(undefined)
  problem = $state.raw<ProblemError | undefined>(undefined)
  /** The list that is being changed or fetched. */
  busyId = $state<string | undefined>(undefined)

  /** Reads now and again until the answer is called. Call it within an effect. */
  watch(): () => void {
    return readAgain(() => void this.read(), AGAIN_MS)
  }

  async read(): Promise<void> {
    try {
      this.feeds = await ask<Feed[]>('GET', 'feeds')
      this.problem = undefined
    } catch (problem) {
      if (!(problem instanceof ProblemError)) throw problem
      this.problem = problem
    }
  }

  change(feed: Feed, change: Required<FeedChange>): Promise<void> {
    return this.#act(feed, () => ask<FeedOutcome>('PUT', pathOf(feed), change))
  }

  update = (feed: Feed): Promise<void> =>
    this.#act(feed, () => ask<FeedOutcome>('POST', `${pathOf(feed)}/update`))

  decide = (feed: Feed, accept: boolean): Promise<void> =>
    this.#act(feed, () => ask<FeedOutcome>('POST', `${pathOf(feed)}/held`, { accept }))

  async #act(feed: Feed, run: () => Promise<FeedOutcome>): Promise<void> {
    this.busyId = feed.id
    try {
      const { sentence, decisionId } = await run()
      const undo =
        decisionId === undefined
          ? undefined
          : undoStack.remember(saidText(sentence), () => this.#takeBack(decisionId), {
              decisions: [decisionId],
            })
      toasts.show({ kind: 'good', sentence, isSaid: true, ...(undo && { undo }) })
    } catch (problem) {
      toasts.problem(problem)
    } finally {
      this.busyId = undefined
    }
    await this.read()
  }

  async #takeBack(decision: number): Promise<void> {
    await takeBack([decision])
    await this.read()
  }
}

const pathOf = ({ id }: Feed): string => `feeds/${encodeURIComponent(id)}`

export const listsDesk = new ListsDesk()
