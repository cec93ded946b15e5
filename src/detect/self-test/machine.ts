import { ip } from '#model/address.ts'
import type { Connection, Direction, FlowRecord } from '#model/flow.ts'
import type { Carried, Machine } from '../observer.ts'

/** Monday, 0:00 UTC. */
export const START = Date.UTC(2026, 0, 5)

export function createMachine(heard: Machine['heard']): Machine {
  let now = START
  return {
    heard,
    get now() {
      return now
    },
    pass(milliseconds) {
      now += milliseconds
      heard.tick(now)
    },
  }
}

export interface SomeTraffic {
  readonly program?: string
  readonly peer?: string
  readonly sent?: number
  readonly received?: number
  readonly direction?: Direction
  readonly special?: string
}

/** A part of one connection: what it is not about is unremarkable. Bytes. */
export function carriedBy(about: SomeTraffic = {}): Carried {
  const { program = '/usr/bin/sync', peer = '203.0.113.9', direction = 'outbound', special } = about
  const connection: Connection = {
    ...FLOW,
    target: ip(peer),
    ...{ direction, peer: ip(peer), peerPort: FLOW.targetPort, localPort: FLOW.sourcePort },
    owner: { pid: 7, path: program, name: program, commandLine: program, uid: 0, source: 'ebpf' },
    ...(special !== undefined && { special }),
  }
  const { sent = 0, received = 0 } = about
  return { connection, bytesIn: received, bytesOut: sent, isNew: true, isLate: false }
}

const FLOW: FlowRecord = {
  ...{ id: 1, communityId: '1:wCb3OG7yAFWelaUydu0D+125CLM=', protocol: 6, interfaceName: 'eth0', vlan: 0 },
  ...{ source: ip('192.0.2.1'), sourcePort: 40_000, target: ip('203.0.113.9'), targetPort: 443 },
  ...{ state: 'established', openedAt: 1_000, seenAt: 1_000, packetsForward: 3, packetsBackward: 2 },
  ...{ bytesForward: 1_000, bytesBackward: 4_000, retransmitsForward: 0, retransmitsBackward: 0 },
  ...{ tcpFlagsForward: 0x1a, tcpFlagsBackward: 0x12 },
}
