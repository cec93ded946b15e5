import type { Connection } from '../../../src/contract/schemas.ts'

let made = 0

interface About extends Partial<Omit<Connection, 'owner'>> {
  readonly owner?: string
}

/** A connection with unremarkable values for a test, which names only what it is about. */
export function aConnection({ owner, ...about }: About = {}): Connection {
  const id = about.id ?? ++made
  const peer = about.peer ?? '203.0.113.1'
  return {
    id,
    communityId: '1:AAAA',
    protocol: 'tcp',
    direction: 'outbound',
    interfaceName: 'eth0',
    vlan: 0,
    source: '192.0.2.10',
    sourcePort: 40_000,
    target: peer,
    targetPort: about.peerPort ?? 443,
    peer,
    peerPort: 443,
    localPort: 40_000,
    state: 'established',
    openedAt: 1000,
    seenAt: 2000,
    packetsForward: 1,
    packetsBackward: 1,
    bytesForward: 100,
    bytesBackward: 100,
    rateForward: 0,
    rateBackward: 0,
    retransmitsForward: 0,
    retransmitsBackward: 0,
    verdict: 'allowed',
    verdictBecause: 'No block names it.',
    ...(owner !== undefined && {
      owner: { pid: 1, path: `/usr/bin/${owner}`, name: owner, commandLine: owner, uid: 0, source: 'scan' },
    }),
    ...about,
  }
}
