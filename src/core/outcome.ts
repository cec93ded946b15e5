import { Refused } from '#api/port.ts'
import type { Outcome } from '#contract/schemas.ts'
import { type Ip, isRange, type Target } from '#model/address.ts'
import type { Decision } from '#model/decision.ts'
import type { Gate } from './gate.ts'
import { isOfList, refusalOfListed } from './list-door.ts'

/** What was done, with the way back. */
export const outcome = (decision: Decision, sentence: string, closedConnections: number): Outcome => ({
  decision,
  sentence,
  closedConnections,
  undo: `/api/v1/decisions/${decision.id}/undo`,
})

/** Why there is no block to take away under exactly this name. */
export function notBlocked(target: Target, gate: Pick<Gate, 'blockOf'>): Refused {
  const wider = isRange(target) ? undefined : gate.blockOf(target as Ip)
  if (wider && isOfList(wider)) return refusalOfListed(target, wider)
  if (wider)
    return new Refused(
      409,
      `${target} is blocked by the range ${wider.target}.`,
      `Unblock the range: gatehouse unblock ${wider.target}`,
    )
  return new Refused(404, `${target} is not blocked.`, 'See what is: gatehouse block list')
}
