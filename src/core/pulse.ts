import type { LiveEvent, Status } from '#contract/schemas.ts'
import type { Enforcer } from '#enforce/enforcer.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { AllowBook } from './allow-book.ts'
import type { Gate } from './gate.ts'
import type { LiveConnections } from './live-connections.ts'
import { shownConnection } from './present.ts'

const BEAT_MS = 1_000
/** A login or a new gateway is protected within this many beats. */
const SURROUNDINGS_EVERY = 2
/** So many connections go out in one event; the rest waits for the next beat. */
const CHANGED_AT_ONCE = 2_000

export interface PulseParts {
  readonly enforcer: Pick<Enforcer, 'verify'>
  readonly gate: Gate
  readonly live: LiveConnections
  readonly allow: AllowBook
  readonly events: { send(event: LiveEvent): void; readonly listeners: number }
  readonly surroundings: () => readonly AllowEntry[]
  readonly status: () => Status
  readonly now: () => number
  /** A block that the allow list forbids now was taken back. */
  readonly released: (target: string, entry: AllowEntry) => void
}

/** What the core does every second: look at the kernel, the clock and the machine, and tell the pages. */
export function startPulse(parts: PulseParts): { stop(): void } {
  let beats = 0
  let isBusy = false
  const beat = async (): Promise<void> => {
    if (isBusy) return
    isBusy = true
    try {
      if (beats++ % SURROUNDINGS_EVERY === 0) protectSurroundings(parts)
      await parts.enforcer.verify(parts.now())
      parts.gate.tick()
      tellPages(parts)
    } finally {
      isBusy = false
    }
  }
  const timer = setInterval(() => void beat(), BEAT_MS)
  return { stop: () => clearInterval(timer) }
}

/** Takes in who must stay reachable now; a block that shuts out one of them is taken back at once. */
function protectSurroundings({ allow, gate, surroundings, released }: PulseParts): void {
  for (const entry of allow.refresh(surroundings())) {
    for (const { block } of gate.release(entry)) released(block.target, entry)
  }
}

function tellPages({ events, live, gate, status }: PulseParts): void {
  const { changed, gone } = live.takeChange(CHANGED_AT_ONCE)
  if (events.listeners === 0) return
  if (changed.length + gone.length > 0) {
    const blockOf = gate.blockOf.bind(gate)
    const shown = changed.map((connection) => shownConnection(connection, blockOf))
    events.send({ kind: 'connections', changed: shown, gone: [...gone] })
  }
  events.send({ kind: 'blocks', blocks: gate.blocks() })
  events.send({ kind: 'status', status: status() })
}
