/** What went wrong with the database file, as far as it changes what we do about it. */
export type Failure = 'full' | 'broken' | 'busy' | 'read-only' | 'unreadable' | 'refused'

/** Primary result codes (sqlite.org/rescode.html). */
const FAILURES: Readonly<Record<number, Failure>> = {
  5: 'busy',
  6: 'busy',
  8: 'read-only',
  10: 'unreadable',
  11: 'broken',
  13: 'full',
  14: 'unreadable',
  26: 'broken',
}
/** SQLITE_IOERR_WRITE, _FSYNC, _TRUNCATE and _SHMSIZE: what a full disk looks like from inside the file system. */
const FULL_IN_DISGUISE = new Set([778, 1034, 1546, 4874])

/** The failure behind an error of node:sqlite; `refused` is a statement that the database did not take. */
export function failureOf(error: unknown): Failure | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  const code = Number(error.errcode)
  if (FULL_IN_DISGUISE.has(code)) return 'full'
  return FAILURES[code & 0xff] ?? 'refused'
}

/** Why the store cannot do all it should, in words for people. */
export interface Trouble {
  readonly reason: string
  readonly remedy: string
}

/** What to tell about a file that cannot be written now. */
export function troubleOf(failure: Failure, path: string): Trouble {
  switch (failure) {
    case 'full':
      return {
        reason: `No room left on the disk of ${path}`,
        remedy: `Free space there (df -h ${path}); writing goes on by itself`,
      }
    case 'read-only':
      return {
        reason: `${path} may not be written`,
        remedy: 'Make it writable for the user that runs Gatehouse; writing goes on by itself',
      }
    case 'busy':
      return {
        reason: `Another program keeps ${path} locked`,
        remedy: 'Close the program that has the database open; writing goes on by itself',
      }
    default:
      return {
        reason: `${path} cannot be read or written`,
        remedy: 'Look at the disk (dmesg, smartctl); writing goes on by itself when it answers again',
      }
  }
}

/** A store that must not be opened: it says why, and what to do. */
export class StoreError extends Error {
  readonly hint: string

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreError'
    this.hint = hint
  }
}

export const lostTrouble = (lost: number): Trouble => ({
  reason: `${lost} records could not be kept`,
  remedy: 'Restart clears this message; if it comes back, please report it',
})
