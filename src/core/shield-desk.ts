import type { ShieldPort } from '#api/shield-port.ts'
import type { Shield } from '#enforce/shield.ts'
import { endpointText } from '#model/endpoint.ts'
import type { ClosedPorts } from './closed-ports.ts'
import { outcome } from './outcome.ts'
import type { Recordings } from './recordings.ts'
import type { ShieldBook } from './shield-book.ts'

/** Answers what the API asks about the shield and the packets that were kept. */
export function createShieldDesk(parts: {
  readonly shield: Shield
  readonly recordings: Pick<Recordings, 'list'>
  readonly ports: Pick<ClosedPorts, 'open' | 'about'>
  readonly book: Pick<ShieldBook, 'end' | 'about'>
}): ShieldPort {
  const { shield, recordings, ports, book } = parts
  return {
    status() {
      const { guarded, challenged, paced, closed } = shield.standing()
      return {
        guarded: [...guarded].map(([port, until]) => ({ port, until, ...book.about({ port }) })),
        challenged: [...challenged].map(([address, until]) => ({
          ...{ address, until },
          ...book.about({ sender: address }),
        })),
        paced: [...paced.values()].map(({ address, port, until, perSecond }) => ({
          ...{ address, port, until, perSecond },
          ...book.about({ paced: { address, port }, perSecond, known: [] }),
        })),
        closed: [...closed].map(([port, until]) => ({ port, until, ...ports.about(port) })),
      }
    },
    open: (port, actor) =>
      outcome(ports.open(port, { actor, reason: 'opened by hand' }), `Port ${port} is open again.`, 0),
    unguard: (port, actor) =>
      outcome(book.end({ port }, actor), `Port ${port} is no longer behind a SYN proxy.`, 0),
    unchallenge: (address, actor) =>
      outcome(book.end({ sender: address }, actor), `${address} is no longer challenged.`, 0),
    unpace(endpoint, actor) {
      const decision = book.end({ paced: endpoint, perSecond: 0, known: [] }, actor)
      return outcome(decision, `${endpointText(endpoint)} takes UDP packets at any pace again.`, 0)
    },
    recordings: recordings.list,
  }
}
