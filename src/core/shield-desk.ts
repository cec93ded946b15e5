import { Refused } from '#api/port.ts'
import type { ShieldPort } from '#api/shield-port.ts'
import type { Shield } from '#enforce/shield.ts'
import { type Ip, ip } from '#model/address.ts'
import type { Recordings } from './recordings.ts'

const THIS_MACHINE = ip('127.0.0.1')

/** Answers what the API asks about the shield and the packets that were kept. */
export function createShieldDesk(parts: {
  readonly shield: Shield
  readonly recordings: Pick<Recordings, 'list'>
  readonly note: (about: { readonly target: Ip; readonly actor: string; readonly reason: string }) => void
}): ShieldPort {
  const { shield, recordings } = parts
  return {
    status() {
      const { guarded, challenged, closed } = shield.standing()
      return {
        guarded: [...guarded].map(([port, until]) => ({ port, until })),
        challenged: [...challenged].map(([address, until]) => ({ address, until })),
        closed: [...closed].map(([port, until]) => ({ port, until })),
      }
    },
    open(port, actor) {
      if (!shield.standing().closed.has(port)) {
        throw new Refused(404, `Port ${port} is not closed.`, 'See gatehouse shield.')
      }
      if (!shield.openPort(port)) {
        throw new Refused(503, `The kernel did not open port ${port}.`, 'See gatehouse doctor.')
      }
      const sentence = `Port ${port} is open again.`
      parts.note({ target: THIS_MACHINE, actor, reason: sentence })
      return { sentence, dryRun: false, closedConnections: 0 }
    },
    recordings: recordings.list,
  }
}
