import type { Ip } from './address.ts'

/** What was seen for the first time: a program, a program with a host, a program with a country. */
export const FIRST_KINDS = ['program', 'program-host', 'program-country'] as const

export type FirstKind = (typeof FIRST_KINDS)[number]

export interface FirstSeen {
  readonly kind: FirstKind
  /** As in summaries: the path of the program. */
  readonly program: string
  /** The host or country; absent for the program itself. */
  readonly peer?: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly lastAt: number
}

/** One binary that a program's path named. Another identity at the same path is a changed binary. */
export interface ProgramFile {
  readonly path: string
  /** Compared, never taken apart: see `identityText`. */
  readonly identity: string
  readonly firstAt: number
  readonly lastAt: number
}

/** What tells one binary from another: its hash where known, else where and when it was written. */
export type ProgramIdentity =
  | { readonly sha256: string }
  | { readonly device: string; readonly inode: string; readonly bytes: number; readonly modifiedAt: number }

export const identityText = (identity: ProgramIdentity): string =>
  'sha256' in identity
    ? `sha256:${identity.sha256}`
    : `file:${identity.device}:${identity.inode}:${identity.bytes}:${identity.modifiedAt}`

/** Something that was seen for the first time ever, as it is noted. */
export interface NewSighting extends Omit<FirstSeen, 'lastAt'> {
  /** Whom the program talked to then. */
  readonly address: Ip
  /** Since when the program itself is known, and how many such peers it has, this one included. */
  readonly programAt: number
  readonly peers: number
}
