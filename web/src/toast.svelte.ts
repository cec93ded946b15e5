import { ProblemError } from './api.ts'
import { text } from './text/text.ts'

/** The one capsule at the foot of the page. */
export interface Toast {
  readonly id: number
  readonly kind: 'block' | 'good' | 'plain' | 'problem'
  readonly sentence: string
  /** The words are the daemon's, not the page's. */
  readonly isSaid?: boolean
  readonly hint?: string
  /** Present while the act can be taken back from here. */
  undo?(): void
  /** Where `undo` is not the right word. */
  readonly undoLabel?: string
}

const SHOWN_MS = 10_000
const SHORT_MS = 4000

class Toasts {
  current = $state.raw<Toast | undefined>(undefined)
  #count = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  /** Shows a capsule; a newer one replaces it. Those with an undo or a problem stay ten seconds. */
  show(toast: Omit<Toast, 'id'>): void {
    this.current = { ...toast, id: ++this.#count }
    this.resume()
  }

  problem(problem: unknown): void {
    if (!(problem instanceof ProblemError)) throw problem
    const hint = problem.hint
    this.show({
      kind: 'problem',
      isSaid: true,
      sentence: problem.sentence,
      ...(hint !== undefined && { hint }),
    })
  }

  /** Keeps the capsule while it has the pointer or the focus. */
  hold(): void {
    clearTimeout(this.#timer)
  }

  resume(): void {
    clearTimeout(this.#timer)
    const isLong = this.current?.undo !== undefined || this.current?.kind === 'problem'
    this.#timer = setTimeout(() => this.dismiss(), isLong ? SHOWN_MS : SHORT_MS)
  }

  dismiss(): void {
    clearTimeout(this.#timer)
    this.current = undefined
  }
}

export const toasts = new Toasts()

/** Copies text and says so; what is secret brings words of its own, so that it is not said. */
export async function copy(what: string, said: string = text.toast.copied(what)): Promise<void> {
  try {
    await navigator.clipboard.writeText(what)
    toasts.show({ kind: 'plain', sentence: said })
  } catch {
    toasts.show({ kind: 'problem', sentence: text.toast.copyFailed })
  }
}
