import { createObservation } from '#detect/observation.ts'
import type { Carried, Observer } from '#detect/observer.ts'
import { ip } from '#model/address.ts'
import type { Usual } from '#model/baseline.ts'
import type { Finding } from '#model/finding.ts'
import type { Connection, Direction } from '#model/flow.ts'
import { aConnection } from './connections.ts'

/** An observer at work, with a clock that the test moves. */
export function observed<Settings>(observer: Observer<Settings>, settings: object = {}, startsAt = START) {
  const findings: Finding[] = []
  let now = startsAt
  const make = () =>
    createObservation({
      observers: [observer as Observer<unknown>],
      settings: { [observer.id]: settings },
      now,
      onFinding: (finding) => findings.push(finding),
    })
  let observation = make()
  return {
    findings,
    get observation() {
      return observation
    },
    get now() {
      return now
    },
    get health() {
      return observation.health[0]
    },
    pass(milliseconds: number): void {
      now += milliseconds
      observation.tick(now)
    },
    carry(...parts: readonly Carried[]): void {
      observation.carried(parts, now)
    },
    /** A restart, with what was kept; answers that. */
    restart(awayMs = 0): readonly Usual[] {
      const kept = observation.learned(true)
      now += awayMs
      observation = make()
      observation.recall(kept)
      return kept
    },
  }
}

/** Monday, 0:00 UTC. */
export const START = Date.UTC(2026, 0, 5)

export interface SomeTraffic {
  readonly program?: string
  readonly peer?: string
  readonly sent?: number
  readonly received?: number
  readonly direction?: Direction
  readonly special?: string
}

/** A part of a connection, as a test is about it. */
export function carriedBy(about: SomeTraffic = {}): Carried {
  const { program = '/usr/bin/sync', peer = '203.0.113.9', direction = 'outbound', special } = about
  const connection: Connection = {
    ...aConnection({ direction, peer: ip(peer) }),
    owner: { pid: 7, path: program, name: program, commandLine: program, uid: 0, source: 'ebpf' },
    ...(special !== undefined && { special }),
  }
  const { sent = 0, received = 0 } = about
  return { connection, bytesIn: received, bytesOut: sent, isNew: true, isLate: false }
}
