import { LINK_TYPE } from '#capture/source.ts'
import type { SelfTestOutcome, SelfTestRun } from '#contract/self-test.ts'
import { loadDetectors } from '#detect/detection.ts'
import type { Detector } from '#detect/detector.ts'
import { createObservation, loadObservers } from '#detect/observation.ts'
import type { Observer } from '#detect/observer.ts'
import { createMachine, START } from '#detect/self-test/machine.ts'
import { createNet } from '#detect/self-test/net.ts'
import type { Finding } from '#model/finding.ts'
import { createWatch } from './watch.ts'

/** Hashes are the same in each run. */
const SEED = 1

/** What one run came to. */
interface Played {
  readonly findings: readonly Finding[]
  readonly packets: number
}

/**
 * Runs the self-tests of every detector and observer, or of one, through the engine that live capture and replay share.
 * Answers one entry for each; none when there is no such detector.
 */
export async function runSelfTests(id?: string): Promise<readonly SelfTestOutcome[]> {
  const isWanted = (one: { readonly id: string }): boolean => id === undefined || one.id === id
  return [
    ...(await loadDetectors()).filter(isWanted).map(testDetector),
    ...(await loadObservers()).filter(isWanted).map(testObserver),
  ]
}

export const testDetector = (detector: Detector<unknown>): SelfTestOutcome =>
  outcomeOf(detector, playPackets(detector, 'fires'), playPackets(detector, 'staysSilent'))

export const testObserver = (observer: Observer<unknown>): SelfTestOutcome =>
  outcomeOf(observer, playHistory(observer, 'fires'), playHistory(observer, 'staysSilent'))

type Part = 'fires' | 'staysSilent'

/** All detectors watch, with their default settings, as they do live. */
function playPackets({ selfTest }: Detector<unknown>, part: Part): Played {
  const findings: Finding[] = []
  const { sink, tick, engine } = createWatch({ seed: SEED, onFinding: (finding) => findings.push(finding) })
  selfTest[part](
    createNet({
      frame(bytes, at) {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
        sink.frame(view, 0, bytes.length, bytes.length, at, LINK_TYPE.ethernet, 0, 0)
      },
      tick,
    }),
  )
  return { findings, packets: engine.counts.packets }
}

function playHistory(observer: Observer<unknown>, part: Part): Played {
  const findings: Finding[] = []
  const observation = createObservation({
    ...{ observers: [observer], settings: {}, now: START },
    onFinding: (finding) => findings.push(finding),
  })
  observer.selfTest[part](createMachine(observation))
  return { findings, packets: 0 }
}

function outcomeOf(
  { id, title }: { id: string; title: string },
  attack: Played,
  peace: Played,
): SelfTestOutcome {
  const fires = runOf(id, attack, true)
  const staysSilent = runOf(id, peace, false)
  return { id, title, fires, staysSilent, isPassed: fires.isPassed && staysSilent.isPassed }
}

function runOf(id: string, { findings, packets }: Played, mustFire: boolean): SelfTestRun {
  const own = findings.filter(({ detector }) => detector === id)
  const said = own[0]?.summary
  return {
    ...{ isPassed: mustFire ? own.length > 0 : own.length === 0, packets, findings: own.length },
    ...(said !== undefined && { said }),
  }
}
