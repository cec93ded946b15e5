import type { LiveEvent, Connection as ShownConnection, Status } from '#contract/schemas.ts'
import type { Enforcer } from '#enforce/enforcer.ts'
import type { Gate } from './gate.ts'
import type { LiveConnection, LiveConnections } from './live-connections.ts'
import { shownConnection } from './present.ts'
import type { Protection } from './protection.ts'

const BEAT_MS = 1_000
/** Between beats only connections that are new go out: a person waits for those. */
const GLANCE_MS = 250
/** A login or a new gateway is protected within this many beats. */
const SURROUNDINGS_EVERY = 2
/** So many connections go out in one event; the rest waits for the next beat. */
const CHANGED_AT_ONCE = 2_000

export interface PulseParts {
  readonly enforcer: Pick<Enforcer, 'verify'>
  readonly gate: Gate
  readonly live: LiveConnections
  readonly events: { send(event: LiveEvent): void; readonly listeners: number }
  readonly protection: Pick<Protection, 'look'>
  readonly status: () => Status
  readonly now: () => number
  readonly watchdog?: { sweep(): void } | undefined
  readonly shield?: { tick(now: number): void } | undefined
}

/** What the core does every second: look at the kernel, the clock and the machine, and tell the pages. */
export function startPulse(parts: PulseParts): { stop(): void } {
  let beats = 0
  let isBusy = false
  const beat = async (): Promise<void> => {
    if (isBusy) return
    isBusy = true
    try {
      if (beats++ % SURROUNDINGS_EVERY === 0) parts.protection.look()
      await parts.enforcer.verify(parts.now())
      parts.gate.tick()
      parts.watchdog?.sweep()
      parts.shield?.tick(parts.now())
      tellPages(parts)
    } finally {
      isBusy = false
    }
  }
  const timer = setInterval(() => void beat(), BEAT_MS)
  const glances = setInterval(() => tellNew(parts), GLANCE_MS)
  return {
    stop() {
      clearInterval(timer)
      clearInterval(glances)
    },
  }
}

function tellNew({ events, live, gate }: PulseParts): void {
  if (events.listeners === 0) return
  const fresh = live.takeNew(CHANGED_AT_ONCE)
  if (fresh.length > 0) events.send({ kind: 'connections', changed: shown(fresh, gate), gone: [] })
}

function shown(connections: readonly LiveConnection[], gate: Gate): ShownConnection[] {
  const blockOf = gate.blockOf.bind(gate)
  return connections.map((connection) => shownConnection(connection, blockOf))
}

function tellPages({ events, live, gate, status }: PulseParts): void {
  const { changed, gone } = live.takeChange(CHANGED_AT_ONCE)
  if (events.listeners === 0) return
  if (changed.length + gone.length > 0) {
    events.send({ kind: 'connections', changed: shown(changed, gate), gone: [...gone] })
  }
  events.send({ kind: 'blocks', blocks: gate.blocks() })
  events.send({ kind: 'status', status: status() })
}
