import { ask, ProblemError } from './api.ts'
import { readAgain } from './read-again.ts'

const AGAIN_MS = 10_000

/** One answer of the API that is read again every ten seconds. */
export class Reading<Answer> {
  answer = $state.raw<Answer | undefined>(undefined)
  problem = $state.raw<ProblemError | undefined>(undefined)
  #path = ''

  /** Reads from `path` until the answer is called; a new path forgets the old answer. Call it within an effect. */
  watch(path: string, againMs: number = AGAIN_MS): () => void {
    if (path !== this.#path) {
      this.answer = undefined
      this.problem = undefined
    }
    this.#path = path
    return readAgain(() => void this.#read(path), againMs)
  }

  async #read(path: string): Promise<void> {
    try {
      const answer = await ask<Answer>('GET', path)
      if (path !== this.#path) return
      this.answer = answer
      this.problem = undefined
    } catch (problem) {
      if (!(problem instanceof ProblemError)) throw problem
      if (path === this.#path) this.problem = problem
    }
  }
}
