import type { Ip } from './address.ts'

/** A program that opens connections to one host and port at regular intervals. */
export interface CallHome {
  readonly program: string
  readonly peer: Ip
  readonly port: number
  readonly openings: number
  readonly intervalMs: number
  /** The middle deviation as a part of the interval. */
  readonly jitter: number
  readonly firstAt: number
  readonly lastAt: number
}

/** One connection that a program opened. */
export interface Opening extends Pick<CallHome, 'program' | 'peer' | 'port'> {
  /** Milliseconds since the epoch. */
  readonly openedAt: number
}
