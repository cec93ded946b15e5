import { ip } from '../../src/model/address.ts'
import type { Connection, FlowRecord } from '../../src/model/flow.ts'

/** An outbound TCP connection with unremarkable values: a test names only what it is about. */
export const aConnection = (about: Partial<Connection> = {}): Connection => ({
  ...aFlow(about),
  direction: 'outbound',
  peer: about.target ?? ip('203.0.113.9'),
  peerPort: about.targetPort ?? 443,
  localPort: about.sourcePort ?? 40_000,
  ...about,
})

export const aFlow = (about: Partial<FlowRecord> = {}): FlowRecord => ({
  id: 1,
  communityId: '1:wCb3OG7yAFWelaUydu0D+125CLM=',
  protocol: 6,
  interfaceName: 'eth0',
  vlan: 0,
  source: ip('192.0.2.1'),
  sourcePort: 40_000,
  target: ip('203.0.113.9'),
  targetPort: 443,
  state: 'established',
  openedAt: 1_000,
  seenAt: 1_000,
  packetsForward: 3,
  packetsBackward: 2,
  bytesForward: 1_000,
  bytesBackward: 4_000,
  retransmitsForward: 0,
  retransmitsBackward: 0,
  tcpFlagsForward: 0x1a,
  tcpFlagsBackward: 0x12,
  ...about,
})
