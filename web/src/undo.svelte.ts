import { text } from './text/text.ts'
import { toasts } from './toast.svelte.ts'

/** An act that can still be taken back. */
export interface Undoable {
  readonly id: number
  readonly sentence: string
  /** The decisions of the daemon that it came to; none for what only this page knows. */
  readonly decisions: readonly number[]
  /** Holds for a time: over as soon as something else is decided about the rules. */
  readonly isTrial: boolean
  run(): Promise<void>
}

const MOST = 50
const MOST_HEARD = 2000

interface Remembered {
  readonly decisions?: readonly number[]
  readonly isTrial?: boolean
}

/** The acts of who is signed in, newest last: the capsule offers the newest for ten seconds, the stack all of them. */
class UndoStack {
  all = $state.raw<readonly Undoable[]>([])
  #count = 0
  readonly #heard = new Set<number>()

  /** Puts an act on the stack; the answer takes it back. */
  remember(
    sentence: string,
    run: () => Promise<void>,
    { decisions = [], isTrial = false }: Remembered = {},
  ): () => void {
    for (const decision of decisions) this.#hear(decision)
    const act: Undoable = { id: ++this.#count, sentence, decisions, isTrial, run }
    // The stream may have told of it before its answer came.
    const others = this.all.filter((other) => !other.decisions.some((one) => decisions.includes(one)))
    this.all = [...others, act].slice(-MOST)
    return () => this.take(act)
  }

  /** Whether a decision is news: neither made here nor told of before. */
  isNew(decision: number): boolean {
    if (this.#heard.has(decision)) return false
    this.#hear(decision)
    return true
  }

  /** Takes off the stack what a decision undid, wherever that was. */
  forget(decision: number): void {
    const isOf = ({ decisions }: Undoable): boolean => decisions.includes(decision)
    if (!this.all.some(isOf)) return
    this.all = this.all.flatMap((act) => {
      if (!isOf(act)) return [act]
      return act.decisions.length > 1
        ? [{ ...act, decisions: act.decisions.filter((one) => one !== decision) }]
        : []
    })
  }

  forgetTrials(): void {
    this.all = this.all.filter(({ isTrial }) => !isTrial)
  }

  clear(): void {
    this.all = []
    this.#heard.clear()
  }

  /** Takes one act back; the others stay. */
  take({ id }: Undoable): void {
    const act = this.all.find((other) => other.id === id)
    if (!act) return
    this.all = this.all.filter((other) => other !== act)
    toasts.dismiss()
    void act.run()
  }

  takeNewest(): void {
    const act = this.all.at(-1)
    if (act) this.take(act)
    else toasts.show({ kind: 'plain', sentence: text.toast.nothingToUndo })
  }

  #hear(decision: number): void {
    this.#heard.add(decision)
    const [oldest] = this.#heard
    if (this.#heard.size > MOST_HEARD && oldest !== undefined) this.#heard.delete(oldest)
  }
}

export const undoStack = new UndoStack()
