import type { DecoyChange, DecoyOutcome, DecoyStatus } from '../../../src/contract/decoys.ts'
import type { Outcome } from '../../../src/contract/schemas.ts'
import type { ShieldStatus } from '../../../src/contract/shield.ts'
import { takeBack } from '../acts.ts'
import { ask, ProblemError } from '../api.ts'
import { readAgain } from '../read-again.ts'
import { saidText } from '../text/said.svelte.ts'
import { toasts } from '../toast.svelte.ts'
import { undoStack } from '../undo.svelte.ts'

const AGAIN_MS = 5_000

/** Decoys and shield as this page shows them, and what may be done about them. */
class DecoyDesk {
  status = $state.raw<DecoyStatus | undefined>(undefined)
  shield = $state.raw<ShieldStatus | undefined>(undefined)
  problem = $state.raw<ProblemError | undefined>(undefined)
  isBusy = $state(false)

  /** Reads now and again until the answer is called. Call it within an effect. */
  watch(): () => void {
    return readAgain(() => void this.read(), AGAIN_MS)
  }

  async read(): Promise<void> {
    try {
      const [status, shield] = await Promise.all([
        ask<DecoyStatus>('GET', 'decoys'),
        ask<ShieldStatus>('GET', 'shield'),
      ])
      Object.assign(this, { status, shield, problem: undefined })
    } catch (problem) {
      if (!(problem instanceof ProblemError)) throw problem
      this.problem = problem
    }
  }

  /** What a change would mean. Throws a ProblemError where it does not fit. */
  foresee(change: DecoyChange): Promise<DecoyOutcome> {
    return ask<DecoyOutcome>('PATCH', 'decoys', { ...change, dryRun: true })
  }

  /** Answers the problem, where there is one; `u` takes the change back. */
  async change(change: DecoyChange): Promise<ProblemError | undefined> {
    return this.#busy(async () => {
      const { sentence, decisions } = await ask<DecoyOutcome>('PATCH', 'decoys', change)
      this.#say(sentence, decisions.map(({ id }) => id).reverse())
    })
  }

  /** Ends what the shield does there: `guarded/443`, `challenged/203.0.113.9`, `closed/8080`. */
  async end(path: string): Promise<void> {
    const problem = await this.#busy(async () => {
      const { sentence, decision } = await ask<Outcome>('DELETE', `shield/${path}`)
      this.#say(sentence, decision ? [decision.id] : [])
    })
    if (problem) toasts.problem(problem)
  }

  async #busy(work: () => Promise<void>): Promise<ProblemError | undefined> {
    this.isBusy = true
    try {
      await work()
      return undefined
    } catch (problem) {
      if (!(problem instanceof ProblemError)) throw problem
      return problem
    } finally {
      this.isBusy = false
      await this.read()
    }
  }

  #say(sentence: string, ids: readonly number[]): void {
    const undo =
      ids.length > 0
        ? undoStack.remember(saidText(sentence), () => this.#takeBack(ids), { decisions: ids })
        : undefined
    toasts.show({ kind: 'good', sentence, isSaid: true, ...(undo && { undo }) })
  }

  async #takeBack(ids: readonly number[]): Promise<void> {
    await takeBack(ids)
    await this.read()
  }
}

export const decoyDesk = new DecoyDesk()
