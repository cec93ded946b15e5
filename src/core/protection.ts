import type { Target } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { AllowBook } from './allow-book.ts'
import type { Gate } from './gate.ts'

/** So long after a block connections are closed: together with those of other blocks. Packets are turned away at once. */
const CLOSE_AFTER_MS = 100
/** A look at a machine of many processes takes long: it gets one part in so many of the thread, which has blocks to place. */
const SHARE_OF_LOOKS = 50

export interface ProtectionParts {
  readonly allow: Pick<AllowBook, 'refresh' | 'spares'>
  readonly gate: () => Pick<Gate, 'release'>
  /** Who must stay reachable, read from the machine: some milliseconds of work. */
  readonly surroundings: () => readonly AllowEntry[]
  /** Asks `mayClose` once there is something to close. */
  readonly closeSockets: (target: Target, mayClose: () => boolean) => number
  /** Milliseconds, monotonic. */
  readonly clock: () => number
  /** A block that the allow list forbids now was taken back. */
  readonly released: (target: Target, entry: AllowEntry) => void
}

/** Keeps blocks and closed connections away from those who must stay reachable, also who logged in a moment ago. */
export interface Protection {
  /** Takes in who must stay reachable now; a block that shuts out one of them is taken back at once. */
  look(): void
  /** Closes the live sockets of a target, unless it turns out that it must stay reachable; answers how many. */
  closeSockets(target: Target): number
  /** The same in a moment, for many at once: for blocks that nobody waits for. */
  closeSoon(target: Target): void
  stop(): void
}

export function createProtection(parts: ProtectionParts): Protection {
  const { allow, gate, surroundings, closeSockets, clock, released } = parts
  const waiting = new Set<Target>()
  let timer: NodeJS.Timeout | undefined
  let next: NodeJS.Immediate | undefined
  let lookMs = 0

  function look(): void {
    const began = clock()
    for (const entry of allow.refresh(surroundings())) {
      for (const { block } of gate().release(entry)) released(block.target, entry)
    }
    lookMs = clock() - began
  }

  const isSpared = (target: Target): boolean => allow.spares(target) !== undefined

  /** One a turn. Most who scan have nothing open here: then nobody need look. */
  function closeWaiting(): void {
    let isFresh = false
    const mayClose = (target: Target): boolean => {
      if (!isFresh) look()
      isFresh = true
      return !isSpared(target)
    }
    const closeNext = (): void => {
      const [target] = waiting
      timer = undefined
      if (target === undefined) return
      waiting.delete(target)
      closeSockets(target, () => mayClose(target))
      next = setImmediate(closeNext)
    }
    closeNext()
  }

  return {
    look,
    closeSockets(target) {
      return closeSockets(target, () => {
        look()
        return !isSpared(target)
      })
    },
    closeSoon(target) {
      waiting.add(target)
      timer ??= setTimeout(closeWaiting, Math.max(CLOSE_AFTER_MS, lookMs * SHARE_OF_LOOKS))
    },
    stop() {
      clearTimeout(timer)
      clearImmediate(next)
      waiting.clear()
    },
  }
}
