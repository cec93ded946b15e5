import type { Evidence } from '#model/finding.ts'

type Measure = (evidence: Evidence) => number | undefined

const count: Measure = (evidence) => evidence.count
const peak: Measure = ({ peakPerSecond, ratePerSecond }) => peakPerSecond ?? ratePerSecond

/**
 * What of its evidence a limit of a detector is held against: detector → setting. Evidence may hold more than the limit
 * counts (a scan's silent ports beside the refused ones), never less. Limits that are not here (times of the usual,
 * windows, chances) leave nothing in the evidence that could be held against another value.
 */
const MEASURES: Readonly<Record<string, Readonly<Record<string, Measure>>>> = {
  amplification: { answersPerSecond: peak },
  'arp-spoof': { contests: count, announcements: count },
  'brute-force': { perMinute: count, perHalfHour: count },
  'connection-flood': { connectionsPerMinute: count },
  'distributed-scan': { sources: ({ sources }) => sources, ports: count },
  'dns-server-change': { answers: count },
  'dns-tunnel': { questionsPerMinute: count },
  flood: {
    synPerSecond: peak,
    ackPerSecond: peak,
    fragmentPerSecond: peak,
    udpPerSecond: peak,
    icmpPerSecond: peak,
  },
  'host-sweep': { refusedHosts: count, silentHosts: count },
  'http-flood': { requestsPerSecond: peak },
  'icmp-tunnel': { strangeAnswers: count },
  'port-scan': { refusedPorts: count, silentPorts: count, silentUdpPorts: count, pendingPorts: count },
  'slow-http': { connections: count },
}

/** How much of what the setting limits the evidence holds; undefined where it does not tell. */
export const measureOf = (detector: string, setting: string, evidence: Evidence): number | undefined =>
  MEASURES[detector]?.[setting]?.(evidence)

/** For tests: every detector and setting that is measured. */
export const measuredSettings = (): (readonly [detector: string, setting: string])[] =>
  Object.entries(MEASURES).flatMap(([detector, settings]) =>
    Object.keys(settings).map((setting) => [detector, setting] as const),
  )
