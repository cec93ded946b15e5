import type { Ip } from './address.ts'

export type Severity = 'info' | 'low' | 'medium' | 'high' | 'critical'

export const SEVERITIES: readonly Severity[] = ['info', 'low', 'medium', 'high', 'critical']

export const atLeast = (severity: Severity, threshold: Severity): boolean =>
  SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(threshold)

/** One packet kept as proof. */
export interface SamplePacket {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly source: Ip
  readonly sourcePort: number
  readonly target: Ip
  readonly targetPort: number
  readonly protocol: number
  readonly tcpFlags: number
  readonly length: number
}

/** What made a detector speak. Counts may exceed the lists: lists are bounded. */
export interface Evidence {
  readonly firstAt: number
  readonly lastAt: number
  /** Distinct things tried: ports of a scan, hosts of a sweep. */
  readonly count: number
  /** Tries per second over the window. */
  readonly ratePerSecond: number
  readonly ports?: readonly number[]
  readonly hosts?: readonly Ip[]
  /** Of a flood or a campaign: the most in a second, all of it, and how many sources (an estimate beyond a few). */
  readonly peakPerSecond?: number
  readonly packets?: number
  readonly bytes?: number
  readonly sources?: number
  /** When it was over. Absent while it goes on. */
  readonly endedAt?: number
  readonly samples: readonly SamplePacket[]
}

/** Something a detector noticed. It says what was seen, never what to do about it. */
export interface Finding {
  readonly detector: string
  /** The variant within the detector, such as `syn` or `xmas`. */
  readonly kind: string
  readonly severity: Severity
  /** 0 to 1: how sure the detector is. */
  readonly confidence: number
  /** Milliseconds since the epoch, the packet's own time. */
  readonly at: number
  /** Who did it; with `blame: 'nobody'` whom it was done to. */
  readonly subject: Ip
  /**
   * `nobody`: the senders are forged, or too many to name, so `subject` is the victim and no block can be right.
   * Absent: the subject did it.
   */
  readonly blame?: 'nobody'
  /** Whom it was done to, where that is one host. */
  readonly victim?: Ip
  readonly summary: string
  /** Equal keys are the same story: folded into one alert. */
  readonly key: string
  /** MITRE ATT&CK technique id, such as T1046. */
  readonly technique: string
  /** The setting that was exceeded, and its value: `detectors.port-scan.ports = 10`. */
  readonly because: string
  readonly evidence: Evidence
  /** True when no handshake proves that the source is who it says it is. */
  readonly spoofable: boolean
  /** True when this tells a story again because it goes on: the evidence has grown. Absent the first time. */
  readonly again?: boolean
}
