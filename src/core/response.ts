import type { Target } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { Sentence, Verdict } from '#model/verdict.ts'
import type { AlertChange } from './alert-book.ts'
import type { Gate } from './gate.ts'
import { duration } from './present.ts'

export interface ResponseParts {
  readonly gate: Gate
  readonly closeSockets: (target: Target) => void
  /** A block is in the kernel: for the packet that caused it. Milliseconds since the epoch. */
  readonly reacted: (packetAt: number) => void
}

/** What a response changes in its alert. */
export type Response = AlertChange & Pick<Alert, 'response'>

/** Does what the verdict says, through the gate; answers it in words. */
export function respond(verdict: Verdict, alert: Alert, parts: ResponseParts): Response {
  switch (verdict.action) {
    case 'ignore':
    case 'record':
      return { response: `Recorded only: ${verdict.because}`, archived: alert.archived || alert.times === 1 }
    case 'alert':
      return { response: standing(alert, parts.gate) ?? `Not blocked: ${verdict.because}` }
    case 'spare':
      return { response: `Not blocked: ${verdict.because}` }
    case 'suggest':
      return suggest(verdict, alert, parts.gate)
    case 'limit':
      return { response: limit(verdict, alert, parts.gate), suggestion: undefined }
    case 'block':
      return { response: block(verdict, alert, parts), suggestion: undefined }
  }
}

/** What was done about this story already, and still holds. */
function standing({ subject, response }: Alert, gate: Gate, target: Target = subject): string | undefined {
  const block = gate.shutOutBy(target)
  if (!block) return undefined
  return /^(Blocked|To be blocked)/.test(response) ? response : `Blocked already: ${block.reason}`
}

function suggest(verdict: Sentence, alert: Alert, gate: Gate): Response {
  const { target, forSeconds, because } = verdict
  const done = standing(alert, gate, target)
  if (done !== undefined) return { response: done }
  return {
    response: `Suggested: block ${target} for ${lengthOf(verdict)} (${because})`,
    suggestion: { target, forSeconds },
  }
}

function limit(verdict: Sentence, alert: Alert, gate: Gate): string {
  if (gate.blockOf(verdict.target)) return alert.response || 'Limited already'
  const answer = gate.block({ ...orderOf(verdict, alert), effect: 'limit' })
  if (answer.state === 'spared') return `Not limited: ${answer.by.note}`
  const when = answer.enforced ? '' : ', as soon as the kernel takes it'
  return `Limited for ${duration(verdict.forSeconds)}${when}: ${verdict.because}`
}

function block(verdict: Sentence, alert: Alert, { gate, closeSockets, reacted }: ResponseParts): string {
  const { target } = verdict
  const done = standing(alert, gate, target)
  if (done !== undefined) return done
  const answer = gate.block(orderOf(verdict, alert))
  if (answer.state === 'spared') return `Not blocked: ${answer.by.note}`
  if (answer.enforced) reacted(alert.lastSeenAt)
  // The element is in the kernel, so nothing new comes in: what is open can be closed at leisure.
  setImmediate(() => closeSockets(target))
  const whom = target === alert.subject ? '' : ` ${target}`
  if (answer.enforced) return `Blocked${whom} for ${lengthOf(verdict)}`
  return `To be blocked${whom} for ${lengthOf(verdict)}, but the kernel did not take it yet`
}

const orderOf = ({ target, forSeconds, repeat }: Sentence, alert: Alert) =>
  ({
    target,
    seconds: forSeconds,
    origin: 'detector',
    actor: alert.detector,
    reason: repeat === undefined ? alert.summary : `${alert.summary}; ${repeat}`,
    alertId: alert.id,
  }) as const

const lengthOf = ({ forSeconds, repeat }: Sentence): string =>
  repeat === undefined ? duration(forSeconds) : `${duration(forSeconds)}: ${repeat}`
