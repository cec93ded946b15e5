import type { Alert, BlockRequest, Outcome } from '../../src/contract/schemas.ts'
import { ask } from './api.ts'
import { clock } from './clock.svelte.ts'
import { moment } from './format.ts'
import { later } from './later.svelte.ts'
import { live } from './live.svelte.ts'
import { saidText } from './text/said.svelte.ts'
import { text } from './text/text.ts'
import { type Toast, toasts } from './toast.svelte.ts'
import { undoStack } from './undo.svelte.ts'

const LONGEST_NOTE = 200

/** Does something, says what was done, and offers to take it back. Answers false when it was refused. */
async function act(
  kind: Toast['kind'],
  run: () => Promise<Outcome>,
  onProblem: (problem: unknown) => void = (problem) => toasts.problem(problem),
): Promise<boolean> {
  try {
    const outcome = await run()
    await live.readBlocks()
    offerUndo(kind, outcome)
    return true
  } catch (problem) {
    onProblem(problem)
    return false
  }
}

function offerUndo(kind: Toast['kind'], outcome: Outcome): void {
  const { decision, sentence } = outcome
  if (!decision || outcome.undo === undefined) {
    toasts.show({ kind, sentence, isSaid: true })
    return
  }
  const undo = undoStack.remember(saidText(sentence), () => takeBack([decision.id]), {
    decisions: [decision.id],
  })
  toasts.show({ kind, sentence, isSaid: true, undo })
}

/** Takes decisions back. That is not put on the stack again: `u` goes on to what was done before. */
export async function takeBack(ids: readonly number[]): Promise<void> {
  try {
    let sentence = ''
    for (const id of ids) sentence = (await ask<Outcome>('POST', `decisions/${id}/undo`)).sentence
    await live.readBlocks()
    toasts.show({ kind: 'good', sentence, isSaid: true })
  } catch (problem) {
    toasts.problem(problem)
  }
}

/** Blocks an address or range; a form that shows refusals itself takes them by `onProblem`. */
export const block = (request: BlockRequest, onProblem?: (problem: unknown) => void): Promise<boolean> =>
  act('block', () => ask<Outcome>('POST', 'blocks', request), onProblem)

export const unblock = (target: string): Promise<boolean> =>
  act('good', () => ask<Outcome>('DELETE', `blocks/${encodeURIComponent(target)}`))

/** Blocks several addresses; one capsule takes them all back. */
export async function blockAll(targets: readonly string[]): Promise<void> {
  const outcomes: Outcome[] = []
  for (const target of targets) {
    try {
      outcomes.push(await ask<Outcome>('POST', 'blocks', { target }))
    } catch (problem) {
      toasts.problem(problem)
      return
    }
  }
  await live.readBlocks()
  const ids = outcomes.flatMap(({ decision }) => (decision ? [decision.id] : []))
  const sentence = text.toast.blocked(outcomes.length)
  const undo = undoStack.remember(sentence, () => takeBack(ids.toReversed()), { decisions: ids })
  toasts.show({ kind: 'block', sentence, undo })
}

export const allow = (target: string, note: string): Promise<boolean> =>
  act('good', () => ask<Outcome>('POST', 'allow', { target, ...(note !== '' && { note }) }))

export const disallow = (target: string): Promise<boolean> =>
  act('plain', () => ask<Outcome>('DELETE', `allow/${encodeURIComponent(target)}`))

export const closeConnection = (id: number): Promise<boolean> =>
  act('plain', () => ask<Outcome>('POST', `connections/${id}/close`))

/** Closes what is open now of a program, by its path or name. */
export const closeProgram = (program: string): Promise<boolean> =>
  act('plain', () => ask<Outcome>('POST', 'programs/close', { program }))

export const closeHost = (address: string): Promise<boolean> =>
  act('plain', () => ask<Outcome>('POST', `hosts/${encodeURIComponent(address)}/close`))

export const undoDecision = (id: number): Promise<boolean> =>
  act('good', () => ask<Outcome>('POST', `decisions/${id}/undo`))

/** Makes the block that an alert suggests. */
export const acceptSuggestion = (alertId: number): Promise<boolean> =>
  act('block', () => ask<Outcome>('POST', `alerts/${alertId}/accept`))

/** Answers the block that an alert suggests with no: its subject is never blocked, and the alert is done. */
export async function allowAsked({ id, subject, summary }: Alert): Promise<boolean> {
  try {
    const note = summary.slice(0, LONGEST_NOTE)
    const { decision, sentence } = await ask<Outcome>('POST', 'allow', { target: subject, note })
    live.replaceAlert(await ask<Alert>('POST', `alerts/${id}/archive`))
    const decisions = decision ? [decision.id] : []
    const undo = undoStack.remember(
      saidText(sentence),
      async () => {
        await takeBack(decisions)
        await archive([id], false)
      },
      { decisions },
    )
    toasts.show({ kind: 'good', sentence, isSaid: true, undo })
    return true
  } catch (problem) {
    toasts.problem(problem)
    return false
  }
}

/** Puts alerts off until tomorrow, in this browser, or back into the inbox. */
export function putOff(ids: readonly number[], isLater = true): void {
  if (!isLater) {
    later.take(ids)
    return
  }
  const sentence = text.toast.later(ids.length, moment(later.put(ids), clock.now))
  const undo = undoStack.remember(sentence, async () => later.take(ids))
  toasts.show({ kind: 'plain', sentence, undo })
}

/** Moves alerts out of the inbox, or back into it. */
export async function archive(ids: readonly number[], isArchived = true): Promise<void> {
  try {
    for (const id of ids) {
      live.replaceAlert(await ask<Alert>('POST', `alerts/${id}/archive?archived=${isArchived}`))
    }
  } catch (problem) {
    toasts.problem(problem)
    return
  }
  if (!isArchived) return
  const sentence = text.toast.archived(ids.length)
  const undo = undoStack.remember(sentence, () => archive(ids, false))
  toasts.show({ kind: 'good', sentence, undo })
}
