import type { ZodType } from 'zod'
import type { Detector } from './detector.ts'

/** How easily detectors speak: all limits at once. Single settings stand above it. */
export const PROFILES = ['normal', 'aggressive', 'paranoid'] as const

export type Profile = (typeof PROFILES)[number]

type Limits = Readonly<Record<string, Readonly<Record<string, number>>>>

/** What differs from the defaults, which are `normal`. Aggressive asks for about half the evidence, paranoid for a quarter. */
const LIMITS: Readonly<Record<Profile, Limits>> = {
  normal: {},
  aggressive: {
    amplification: { answersPerSecond: 100 },
    'arp-spoof': { contests: 2, announcements: 30 },
    'brute-force': { perMinute: 10, perHalfHour: 30, sources: 5 },
    'call-home': { openings: 8 },
    'connection-flood': { emptyTimes: 2, busyTimes: 3, floodTimes: 15 },
    'distributed-scan': { sources: 5, ports: 15 },
    'dns-tunnel': { questionsPerMinute: 30, perHalfHour: 450 },
    'first-seen': { learnDays: 3 },
    flood: {
      synPerSecond: 100,
      ackPerSecond: 250,
      fragmentPerSecond: 250,
      udpPerSecond: 500,
      icmpPerSecond: 100,
    },
    'generated-names': { generatedNames: 8, missingNames: 150 },
    'host-sweep': { refusedHosts: 4, silentHosts: 10 },
    'http-flood': { requestsPerSecond: 30 },
    'icmp-tunnel': { strangeAnswers: 5, changingRequests: 15 },
    'login-failures': { failures: 4, slowFailures: 20, sharedSources: 6, sharedFailures: 2, probes: 15 },
    'neighbour-spoof': { contests: 2 },
    'os-fingerprint': { kinds: 1 },
    'outbound-transfer': { megabytes: 1_000, unusualMegabytes: 100, percent: 200 },
    'port-scan': { refusedPorts: 4, silentPorts: 8, silentUdpPorts: 20, pendingPorts: 40 },
    'protocol-scan': { protocols: 4 },
    'rogue-router': { flood: 6 },
    'sctp-scan': { ports: 4 },
    'slow-http': { connections: 15 },
    'slow-scan': { falseAlarms: 0.0002 },
    'unusual-traffic': { percent: 200, megabytes: 50, connections: 250 },
    'version-probe': { probes: 2 },
  },
  paranoid: {
    amplification: { answersPerSecond: 50 },
    'arp-spoof': { contests: 2, announcements: 15 },
    'brute-force': { perMinute: 5, perHalfHour: 12, sources: 3 },
    'call-home': { openings: 6, mostJitter: 0.15, scatteredOpenings: 24 },
    'connection-flood': { connectionsPerMinute: 60, emptyTimes: 1, busyTimes: 2, floodTimes: 8 },
    'distributed-scan': { sources: 3, portsEach: 2, ports: 6 },
    'dns-server-change': { answers: 1 },
    'dns-tunnel': { questionsPerMinute: 15, perHalfHour: 225, carriedBytes: 30 },
    'first-seen': { learnDays: 1 },
    flood: {
      synPerSecond: 50,
      ackPerSecond: 100,
      fragmentPerSecond: 100,
      udpPerSecond: 250,
      icmpPerSecond: 50,
    },
    'generated-names': { generatedNames: 5, missingNames: 60 },
    'host-sweep': { refusedHosts: 3, silentHosts: 6 },
    'http-flood': { requestsPerSecond: 15 },
    'icmp-tunnel': { strangeAnswers: 2, changingRequests: 8 },
    'login-failures': { failures: 3, slowFailures: 10, sharedSources: 4, sharedFailures: 2, probes: 8 },
    'neighbour-spoof': { contests: 2 },
    'os-fingerprint': { kinds: 1 },
    'outbound-transfer': { megabytes: 300, unusualMegabytes: 50, percent: 150 },
    'port-scan': { refusedPorts: 3, silentPorts: 5, silentUdpPorts: 10, pendingPorts: 20 },
    'protocol-scan': { protocols: 2 },
    'rogue-router': { flood: 4 },
    'sctp-scan': { ports: 3 },
    'slow-http': { connections: 8 },
    'slow-scan': { falseAlarms: 0.005 },
    'unusual-traffic': { percent: 150, megabytes: 20, connections: 100 },
    'version-probe': { probes: 2 },
  },
}

/** The section `detectors` of the configuration with the limits of the profile beneath it: detector id → settings. */
export function withProfile(
  profile: Profile,
  chosen: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const limits = LIMITS[profile]
  const ids = new Set([...Object.keys(limits), ...Object.keys(chosen)])
  return Object.fromEntries(
    [...ids].map((id) => [id, { ...limits[id], ...(chosen[id] as object | undefined) }]),
  )
}

/** One setting of a detector as it is at work, and who says so. */
export interface EffectiveSetting {
  readonly name: string
  readonly value: unknown
  readonly from: 'default' | 'profile' | 'config'
  readonly description: string
}

/** `chosen` is what the configuration itself says of this detector. Throws ZodError where that does not fit. */
export function effectiveSettings(
  { id, settings }: Pick<Detector<unknown>, 'id' | 'settings'>,
  profile: Profile,
  chosen: Readonly<Record<string, unknown>>,
): EffectiveSetting[] {
  const limits = LIMITS[profile][id] ?? {}
  const values = settings.parse({ ...limits, ...chosen }) as Readonly<Record<string, unknown>>
  const { shape = {} } = settings as { readonly shape?: Readonly<Record<string, ZodType>> }
  return Object.entries(values).map(([name, value]) => ({
    name,
    value,
    from: name in chosen ? 'config' : name in limits ? 'profile' : 'default',
    description: shape[name]?.description ?? '',
  }))
}
