import { type Actor, Refused } from '#api/port.ts'
import type { Outcome } from '#contract/schemas.ts'
import type { Shield } from '#enforce/shield.ts'
import type { Target } from '#model/address.ts'
import type { Decision } from '#model/decision.ts'
import type { Gate } from './gate.ts'
import { outcome } from './outcome.ts'
import { duration } from './present.ts'

type Ports = Pick<Shield, 'closePort' | 'openPort'> & {
  standing(): Pick<ReturnType<Shield['standing']>, 'closed'>
}

/** Ports of this machine that are closed for a time: each closing and opening is a decision, and takes back the other. */
export interface ClosedPorts {
  /** `false`: the kernel refuses, or there are too many already. `until`: milliseconds since the epoch. */
  closePort(port: number, until: number, by: By): boolean
  open(port: number, by: By): Decision
  /** Why each port that is closed is, and since when. */
  about(port: number): Shielded
  undo(decision: Decision, actor: Actor): Promise<Outcome>
}

export interface By {
  readonly actor: string
  readonly reason: string
  readonly alertId?: number
  readonly undoes?: number
}

/** Why the shield stands before something. */
export interface Shielded {
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly reason: string
  readonly alertId?: number
}

const TARGET = 'port '
const MOST_REMEMBERED = 64

export function createClosedPorts(
  shield: Ports,
  { note, now }: { readonly note: Gate['note']; readonly now: () => number },
): ClosedPorts {
  /** When those that were opened by hand would have been open by themselves. */
  const opened = new Map<number, number>()
  const why = new Map<number, Shielded>()
  const targetOf = (port: number): Target => `${TARGET}${port}` as Target

  function close(port: number, until: number, by: By): Decision | undefined {
    if (!shield.closePort(port, until)) return undefined
    const forSeconds = Math.max(1, Math.round((until - now()) / 1000))
    const { reason, alertId } = by
    why.set(port, { since: now(), reason, ...(alertId !== undefined && { alertId }) })
    return note({ kind: 'close-port', target: targetOf(port), forSeconds, ...by }).decision
  }

  function open(port: number, by: By): Decision {
    const until = shield.standing().closed.get(port)
    if (until === undefined) throw new Refused(404, `Port ${port} is not closed.`, 'See gatehouse shield.')
    if (!shield.openPort(port))
      throw new Refused(503, `The kernel did not open port ${port}.`, 'See gatehouse doctor.')
    const { decision } = note({ kind: 'open-port', target: targetOf(port), ...by })
    const [oldest] = opened.keys()
    if (opened.size >= MOST_REMEMBERED && oldest !== undefined) opened.delete(oldest)
    opened.set(decision.id, until)
    why.delete(port)
    return decision
  }

  return {
    closePort: (port, until, by) => close(port, until, by) !== undefined,
    open,
    about: (port) => why.get(port) ?? { since: now(), reason: '' },
    async undo({ id, kind, target }, { name }) {
      const port = Number(target.slice(TARGET.length))
      const by = { actor: name, reason: `undid decision ${id}`, undoes: id }
      if (kind === 'close-port') return outcome(open(port, by), `Port ${port} is open again.`, 0)
      const until = opened.get(id) ?? 0
      if (until <= now())
        throw new Refused(
          409,
          `The time for which port ${port} was closed is over.`,
          'Close it by a rule: gatehouse deny',
        )
      const decision = close(port, until, by)
      if (!decision) throw new Refused(503, `The kernel did not close port ${port}.`, 'See gatehouse doctor.')
      return outcome(decision, `Port ${port} is closed for ${duration((until - now()) / 1000)}.`, 0)
    },
  }
}
