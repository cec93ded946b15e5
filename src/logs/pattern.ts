import type { LoginOutcome } from '#model/login.ts'

/**
 * How one program writes about logins. A pattern is a file in `patterns/`, found by its place.
 *
 * Names of users are chosen by the attacker, so they may hold anything, also what looks like the rest of the line with
 * somebody else's address. Hence each expression fixes the whole line, and takes the address where nothing chosen by a
 * stranger can stand between it and the end (or the begin) of the line; a line that can be read in two ways is not read.
 */
export interface Pattern {
  readonly id: string
  /** Syslog tags of the program; absent where it does not use syslog. */
  readonly tags?: RegExp
  /** True when it also writes files of its own, without the header of syslog. */
  readonly hasOwnFile?: true
  /** True when it has a process for each session, and may tell of one try in several lines. */
  readonly hasSessions?: true
  /** What one message says; undefined for all other messages. */
  read(message: string): Reading | undefined
}

export interface Reading {
  readonly service: string
  readonly outcome: LoginOutcome
  /** As the line has it: text that may be no address. */
  readonly address?: string | undefined
  readonly user?: string | undefined
  /** Tries that the line tells of; 1 when absent. */
  readonly times?: number
  /**
   * True when the program tells of the same try in other words too: of one session all such lines together are one
   * try, and none beside lines that are one try each.
   */
  readonly isHint?: boolean
}

export const definePattern = (pattern: Pattern): Pattern => pattern

/** The first of these expressions that fits, read by what stands beside it. */
export function firstOf(
  forms: readonly (readonly [form: RegExp, read: (groups: Groups) => Reading])[],
  message: string,
): Reading | undefined {
  for (const [form, read] of forms) {
    const groups = form.exec(message)?.groups
    if (groups) return read(groups)
  }
  return undefined
}

export type Groups = Readonly<Record<string, string>>

/** `pam_unix(sshd:auth): authentication failure; …`: the remote host of it, and whom it is about. */
export function readPam(message: string): { address: string; user: string | undefined } | undefined {
  // `ruser` is the attacker's, and stands before: who writes a second `rhost=` there is not read at all.
  if (message.split('rhost=').length !== 2) return undefined
  const groups = PAM.exec(message)?.groups
  return groups?.['address'] ? { address: groups['address'], user: groups['user'] } : undefined
}

const PAM =
  /^pam_\w+\([\w.-]+:auth\): authentication failure; logname=.* rhost=(?<address>\S*)\s*(?: user=(?<user>\S+))?$/
