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

export interface SeenFile {
  readonly path: string
  /** Compared, never taken apart: see `identityText`. */
  readonly identity: string
  /** What it holds; absent until it was read. */
  readonly sha256?: string
}

/** A program runs another binary than before, at the same path. */
export interface ProgramChange {
  /** As in summaries. */
  readonly program: string
  /** Whom it talked to then. */
  readonly address: Ip
  readonly before: { readonly sha256?: string; readonly lastAt: number }
  readonly sha256?: string
  /** Name and version of the package that owns the file, and whether it is as it came with that. */
  readonly package?: { readonly name: string; readonly file: 'unchanged' | 'changed' | 'unknown' }
}

/** One file that a program's path named. Another identity at the same path that does not hold the same is a changed binary. */
export interface ProgramFile extends SeenFile {
  readonly firstAt: number
  readonly lastAt: number
}

/** What tells one file from another: where and when it was written. */
export interface FileIdentity {
  readonly device: string
  readonly inode: string
  readonly bytes: number
  readonly modifiedAt: number
}

export const identityText = ({ device, inode, bytes, modifiedAt }: FileIdentity): string =>
  `file:${device}:${inode}:${bytes}:${modifiedAt}`

/** Something that was seen for the first time ever, as it is noted. */
export interface NewSighting extends Omit<FirstSeen, 'lastAt'> {
  /** Whom the program talked to then. */
  readonly address: Ip
  /** Since when the program itself is known, and how many such peers it has, this one included. */
  readonly programAt: number
  readonly peers: number
}
