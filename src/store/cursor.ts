import { StoreError } from './failure.ts'

export type CursorKind = 'flows' | 'alerts' | 'decisions' | 'egress'

/** The place after a row, opaque to those who carry it. */
export const cursorAfter = (kind: CursorKind, id: number): string =>
  Buffer.from(`${kind}:${id}`).toString('base64url')

/** The id of the row after which to go on. Throws a `StoreError` for a cursor that is none of this kind. */
export function readCursor(kind: CursorKind, cursor: string): number {
  const [of, id, ...rest] = Buffer.from(cursor, 'base64url').toString().split(':')
  const number = Number(id)
  if (of === kind && id !== '' && Number.isSafeInteger(number) && rest.length === 0) return number
  throw new StoreError(
    'This is not a cursor of this list.',
    'Take `next` of the page before, or leave it out.',
  )
}

/** Rows of one slice: at least one, and never so many that others wait for it. */
export const sliceLimit = (limit: number): number =>
  Math.min(1000, Math.max(1, Math.trunc(Number.isFinite(limit) ? limit : 50)))
