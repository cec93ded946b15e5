import type { Decision, Page } from '../../src/contract/schemas.ts'
import { takeBack } from './acts.ts'
import { ask } from './api.ts'
import { text } from './text/text.ts'
import { toasts } from './toast.svelte.ts'
import { undoStack } from './undo.svelte.ts'
import { visible } from './visible.ts'

/** What can be taken back, as far as the kind of a decision tells. */
export const UNDOABLE: ReadonlySet<Decision['kind']> = new Set<Decision['kind']>([
  ...(['block', 'limit', 'unblock', 'allow', 'disallow', 'watch', 'unwatch', 'setting'] as const),
  ...([
    'rules',
    'trial',
    'rollback',
    'lockdown',
    'pause',
    'feed',
    'close-port',
    'open-port',
    'shield',
    'unshield',
  ] as const),
])
const TRIALS: ReadonlySet<Decision['kind']> = new Set(['trial', 'lockdown', 'pause'])
const AFTER_TRIALS: ReadonlySet<Decision['kind']> = new Set([...TRIALS, 'rules', 'rollback'])
const LONGEST_TARGET = 60

/** Who is signed in, since when. */
interface Reader {
  readonly name: string
  readonly signedInAt: number
}

/** Puts on the stack what the reader decided since signing in: in another tab, by a command, or before a reload. */
export async function readDecided(reader: Reader): Promise<void> {
  try {
    hearDecided((await ask<Page<Decision>>('GET', 'decisions?limit=100')).items, reader)
  } catch (problem) {
    toasts.problem(problem)
  }
}

/** Takes decisions in, newest first. */
export function hearDecided(decisions: readonly Decision[], { name, signedInAt }: Reader): void {
  for (const decision of decisions.toReversed()) {
    const { id, kind, actor, at, undoes, target } = decision
    const isNew = undoStack.isNew(id)
    if (undoes !== undefined) undoStack.forget(undoes)
    if (!isNew) continue
    if (AFTER_TRIALS.has(kind)) undoStack.forgetTrials()
    // What is taken back is not put on the stack again: `u` goes on to what was done before.
    if (undoes === undefined && actor === name && at >= signedInAt && UNDOABLE.has(kind)) {
      const sentence = text.toast.decided(text.decisions.kinds[kind] ?? kind, visible(target, LONGEST_TARGET))
      undoStack.remember(sentence, () => takeBack([id]), { decisions: [id], isTrial: TRIALS.has(kind) })
    }
  }
}
