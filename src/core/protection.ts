import type { Target } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { AllowBook } from './allow-book.ts'
import type { Gate } from './gate.ts'

/** So long after a block connections are closed: together with those of other blocks. Packets are turned away at once. */
const CLOSE_AFTER_MS = 250
/** A look at a machine of many processes takes long: it gets one part in so many of the thread, which has blocks to place. */
const SHARE_OF_LOOKS = 50

export interface ProtectionParts {
  readonly allow: Pick<AllowBook, 'refresh' | 'spares'>
  readonly gate: () => Pick<Gate, 'release'>
  /** Who must stay reachable, read from the machine: some milliseconds of work. */
  readonly surroundings: () => readonly AllowEntry[]
  readonly closeSockets: (target: Target) => number
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
  let lookMs = 0

  function look(): void {
    const began = clock()
    for (const entry of allow.refresh(surroundings())) {
      for (const { block } of gate().release(entry)) released(block.target, entry)
    }
    lookMs = clock() - began
  }

  const closeUnlessSpared = (target: Target): number =>
    allow.spares(target) === undefined ? closeSockets(target) : 0

  function closeWaiting(): void {
    timer = undefined
    look()
    for (const target of waiting) closeUnlessSpared(target)
    waiting.clear()
  }

  return {
    look,
    closeSockets(target) {
      look()
      return closeUnlessSpared(target)
    },
    closeSoon(target) {
      waiting.add(target)
      timer ??= setTimeout(closeWaiting, Math.max(CLOSE_AFTER_MS, lookMs * SHARE_OF_LOOKS))
    },
    stop() {
      clearTimeout(timer)
      waiting.clear()
    },
  }
}
