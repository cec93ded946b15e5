import type { Ip } from './address.ts'

/** `refused`: a password or key was wrong. `probed`: somebody came and left without trying one. */
export type LoginOutcome = 'refused' | 'probed' | 'accepted'

/** One try to log in, as the log of a program tells it. What is text here came off the wire. */
export interface LoginAttempt {
  /** Milliseconds since the epoch: when the line was read. */
  readonly at: number
  /** Whose log it is: `sshd`, `dovecot` … */
  readonly program: string
  /** What was asked to let somebody in: `ssh`, `imap`, `http` … */
  readonly service: string
  readonly outcome: LoginOutcome
  /** Who came. Absent where it happened on the machine itself. */
  readonly address?: Ip
  /** As whom; shortened, and nothing in it hidden. */
  readonly user?: string
  /** How many tries the line tells of. */
  readonly times: number
}
