import { ip } from '../../src/model/address.ts'
import type { Finding } from '../../src/model/finding.ts'

/** A port scan as a detector reports it: a test names only what it is about. */
export const aFinding = (about: Partial<Finding> = {}): Finding => ({
  detector: 'port-scan',
  kind: 'syn',
  severity: 'high',
  confidence: 0.9,
  at: 1_000,
  subject: ip('203.0.113.9'),
  victim: ip('192.0.2.1'),
  summary: '203.0.113.9 tried 6 ports of 192.0.2.1 in 1 ms (syn scan)',
  key: 'port-scan 203.0.113.9 192.0.2.1',
  technique: 'T1046',
  because: 'detectors.port-scan.refusedPorts = 6',
  evidence: { firstAt: 999, lastAt: 1_000, count: 6, ratePerSecond: 6_000, ports: [22, 80], samples: [] },
  spoofable: true,
  ...about,
})
