import { createObservation } from '#detect/observation.ts'
import type { Carried, Observer } from '#detect/observer.ts'
import { START } from '#detect/self-test/machine.ts'
import type { Usual } from '#model/baseline.ts'
import type { Finding } from '#model/finding.ts'

export { carriedBy, type SomeTraffic, START } from '#detect/self-test/machine.ts'

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
