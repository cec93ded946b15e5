import { text } from './text/text.ts'
import { toasts } from './toast.svelte.ts'

/** An act of this page that can still be taken back. */
export interface Undoable {
  readonly id: number
  readonly sentence: string
  run(): Promise<void>
}

const MOST = 50

/** The acts of this page, newest last: the capsule offers the newest for ten seconds, the stack all of them. */
class UndoStack {
  all = $state.raw<readonly Undoable[]>([])
  #count = 0

  /** Puts an act on the stack; the answer takes it back. */
  remember(sentence: string, run: () => Promise<void>): () => void {
    const act: Undoable = { id: ++this.#count, sentence, run }
    this.all = [...this.all, act].slice(-MOST)
    return () => this.take(act)
  }

  /** Takes one act back; the others stay. */
  take(act: Undoable): void {
    if (!this.all.includes(act)) return
    this.all = this.all.filter((other) => other !== act)
    toasts.dismiss()
    void act.run()
  }

  takeNewest(): void {
    const act = this.all.at(-1)
    if (act) this.take(act)
    else toasts.show({ kind: 'plain', sentence: text.toast.nothingToUndo })
  }
}

export const undoStack = new UndoStack()
