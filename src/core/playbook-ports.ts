import type { Alert } from '#model/alert.ts'
import type { Connection } from '#model/flow.ts'
import type { Standpoint } from '#model/standpoint.ts'
import type { ClosedPorts } from './closed-ports.ts'
import { duration } from './present.ts'

const SSH = 22
const SSH_SERVER = /^(sshd|sshd-session|dropbear)$/
/** A scan has hundreds: to close those is no answer. */
const MOST_PORTS = 4

export interface PortCloserParts {
  /** Absent: nothing is enforced. */
  readonly shield: Pick<ClosedPorts, 'closePort'> | undefined
  readonly pagePort: () => number
  readonly connections: () => readonly Connection[]
  /** Ports on which an SSH server listens, wherever that is. */
  readonly sshPorts: () => ReadonlySet<number>
  readonly standpoint: () => Standpoint
  readonly now: () => number
}

/** Closes the ports of this machine that an alert is about, for a time; never those by which somebody gets in to undo it. */
export function createPortCloser(parts: PortCloserParts): (alert: Alert, seconds: number) => string {
  const { shield, connections, standpoint, now } = parts

  /** Why this port stays open. */
  function whyOpen(port: number): string | undefined {
    if (port === parts.pagePort()) return `port ${port} is the page's`
    const isSsh = connections().some(
      ({ direction, localPort, owner }) =>
        direction === 'inbound' && localPort === port && SSH_SERVER.test(owner?.name ?? ''),
    )
    return port === SSH || isSsh || parts.sshPorts().has(port) ? `port ${port} is SSH's` : undefined
  }

  return ({ id, victim, evidence, summary }, seconds) => {
    const ports = evidence.ports ?? []
    if (!shield) return 'not done, nothing is enforced: close the port'
    if (victim === undefined || !standpoint().isOwn(victim)) return 'not done, it is no port of this machine'
    if (ports.length === 0 || ports.length > MOST_PORTS) {
      return `not done, the alert is about ${ports.length} ports: close the port`
    }
    const by = { actor: 'playbook', reason: summary, alertId: id }
    const done = ports.map((port) => {
      const why = whyOpen(port)
      if (why !== undefined) return `not done, ${why}`
      const isClosed = shield.closePort(port, now() + seconds * 1000, by)
      return isClosed
        ? `closed port ${port} for ${duration(seconds)}`
        : `the kernel did not close port ${port}`
    })
    return done.join(', ')
  }
}
