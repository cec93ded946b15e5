import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { writeAtomically } from '#lib/atomic-file.ts'
import { contains, isRange, parseIp, type Target } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'

const DAY_MS = 86_400_000
const MOST_GUESTS = 256
/** A session that goes on is written down again only after so long. */
const WRITE_EVERY_MS = 3_600_000

const remembered = z.array(z.object({ address: z.string(), at: z.number() })).max(MOST_GUESTS)

/**
 * From where somebody logged in of late: a scan that is forged in that name must not keep him from coming back. They are
 * kept in a file, so that a restart forgets nobody. Bounded.
 */
export interface Guests {
  /** Takes in who is logged in now. */
  see(entries: readonly AllowEntry[], at: number): void
  /** Of a range: whether somebody logged in from within it. */
  isGuest(target: Target, at: number): boolean
}

export interface GuestsParts {
  readonly file: string
  /** How long a login counts; 0: not at all. */
  readonly days: () => number
  readonly say: (sentence: string) => void
}

export function createGuests({ file, days, say }: GuestsParts): Guests {
  /** Address → when somebody was last logged in from there; the longest ago first. */
  const seenAt = new Map<Target, number>(recall(file, say))
  let writtenAt = Number.NEGATIVE_INFINITY

  function write(at: number): void {
    writtenAt = at
    try {
      writeAtomically(file, JSON.stringify([...seenAt].map(([address, at]) => ({ address, at }))))
    } catch (cause) {
      say(`Who was logged in could not be written to ${file}: ${(cause as Error).message}`)
    }
  }

  return {
    see(entries, at) {
      let isNew = false
      for (const { target, source } of entries) {
        if (source !== 'session' || isRange(target)) continue
        isNew ||= !seenAt.has(target)
        seenAt.delete(target)
        seenAt.set(target, at)
      }
      for (const old of [...seenAt.keys()].slice(0, -MOST_GUESTS)) seenAt.delete(old)
      if (isNew || (seenAt.size > 0 && at - writtenAt >= WRITE_EVERY_MS)) write(at)
    },
    isGuest(target, at) {
      const isRecent = (last: number | undefined) => last !== undefined && at - last < days() * DAY_MS
      if (!isRange(target)) return isRecent(seenAt.get(target))
      return [...seenAt].some(([address, last]) => isRecent(last) && contains(target, address))
    },
  }
}

/** What cannot be read is said once, and written anew. */
function recall(file: string, say: GuestsParts['say']): (readonly [Target, number])[] {
  if (!existsSync(file)) return []
  try {
    const rows = remembered.parse(JSON.parse(readFileSync(file, 'utf8')))
    return rows.flatMap(({ address, at }) => {
      const parsed = parseIp(address)
      return parsed === undefined ? [] : [[parsed, at] as const]
    })
  } catch (cause) {
    say(`Who was logged in before is not known: ${file} cannot be read (${(cause as Error).name}).`)
    return []
  }
}
