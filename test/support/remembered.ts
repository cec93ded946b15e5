import { ip } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { Block } from '#model/block.ts'
import type { Decision } from '#model/decision.ts'
import type { Connection } from '#model/flow.ts'
import type { Owner } from '#model/owner.ts'

/** 2026-11-20T08:00:00Z: what the clock says in tests of the store. */
export const NOON = Date.UTC(2026, 10, 20, 8)

/** A connection with unremarkable values: a test names only what it is about. */
export function aConnection(about: Partial<Connection> = {}): Connection {
  const id = about.id ?? 1
  const base = {
    id,
    communityId: '1:LQU9qZlK+B5F3KDmev6m5PMibrg=',
    protocol: 6,
    interfaceName: 'eth0',
    vlan: 0,
    source: ip('192.0.2.10'),
    sourcePort: 40_000,
    target: ip('198.51.100.7'),
    targetPort: 443,
    state: 'established',
    openedAt: NOON + id,
    seenAt: NOON + id + 20.5,
    packetsForward: 3,
    packetsBackward: 2,
    bytesForward: 300,
    bytesBackward: 200,
    handshakeMs: 12.25,
    retransmitsForward: 0,
    retransmitsBackward: 1,
    tcpFlagsForward: 0x1b,
    tcpFlagsBackward: 0x1a,
    direction: 'outbound',
    ...about,
  } as const
  const isInbound = base.direction === 'inbound'
  return {
    ...base,
    peer: isInbound ? base.source : base.target,
    peerPort: isInbound ? base.sourcePort : base.targetPort,
    localPort: isInbound ? base.targetPort : base.sourcePort,
  }
}

export const anOwner = (about: Partial<Owner> = {}): Owner => ({
  pid: 812,
  path: '/usr/bin/curl',
  name: 'curl',
  commandLine: 'curl https://example.com',
  uid: 1000,
  user: 'anna',
  source: 'netlink',
  ...about,
})

export const anAlert = (id: number, about: Partial<Alert> = {}): Alert => ({
  id,
  detector: 'port-scan',
  kind: 'syn',
  severity: 'high',
  confidence: 0.9,
  at: NOON,
  subject: ip('203.0.113.9'),
  victim: ip('192.0.2.10'),
  summary: '203.0.113.9 tried 10 ports',
  key: `port-scan 203.0.113.9 ${id}`,
  technique: 'T1046',
  because: 'detectors.port-scan.ports = 10',
  evidence: { firstAt: NOON - 5, lastAt: NOON, count: 10, ratePerSecond: 2000, ports: [22, 80], samples: [] },
  spoofable: false,
  times: 1,
  lastSeenAt: NOON,
  response: 'Blocked for 10 min',
  archived: false,
  ...about,
})

export const aDecision = (id: number, about: Partial<Decision> = {}): Decision => ({
  id,
  at: NOON,
  kind: 'block',
  target: ip('203.0.113.9'),
  actor: 'port-scan',
  reason: 'tried 10 ports',
  forSeconds: 600,
  ...about,
})

export const aBlock = (about: Partial<Block> = {}): Block => ({
  target: ip('203.0.113.9'),
  origin: 'detector',
  actor: 'port-scan',
  reason: 'tried 10 ports',
  since: NOON,
  until: NOON + 600_000,
  decisionId: 1,
  ...about,
})
