import type { ShieldPort } from '#api/shield-port.ts'
import type { Shield } from '#enforce/shield.ts'
import type { ClosedPorts } from './closed-ports.ts'
import { outcome } from './outcome.ts'
import type { Recordings } from './recordings.ts'

/** Answers what the API asks about the shield and the packets that were kept. */
export function createShieldDesk(parts: {
  readonly shield: Shield
  readonly recordings: Pick<Recordings, 'list'>
  readonly ports: Pick<ClosedPorts, 'open'>
}): ShieldPort {
  const { shield, recordings, ports } = parts
  return {
    status() {
      const { guarded, challenged, closed } = shield.standing()
      return {
        guarded: [...guarded].map(([port, until]) => ({ port, until })),
        challenged: [...challenged].map(([address, until]) => ({ address, until })),
        closed: [...closed].map(([port, until]) => ({ port, until })),
      }
    },
    open: (port, actor) =>
      outcome(ports.open(port, { actor, reason: 'opened by hand' }), `Port ${port} is open again.`, 0),
    recordings: recordings.list,
  }
}
