import { createNet, type Net } from '#detect/self-test/net.ts'
import type { Finding } from '#model/finding.ts'
import { createWatch, type Watch } from '../../src/watch.ts'
import { deliver } from './frames.ts'

export { range } from '#detect/self-test/net.ts'

/** A network in which packets are sent by hand, before the real engine and all detectors. Times are milliseconds. */
export interface Scene extends Net {
  readonly findings: readonly Finding[]
  readonly watch: Watch
}

/** Room for every scene there is: tables of the usual size take a millisecond of each second that passes in one. */
const LIMITS = { maxHosts: 1 << 15, maxFlows: 1 << 14 }

export function scene(settings: Readonly<Record<string, unknown>> = {}): Scene {
  const findings: Finding[] = []
  const watch = createWatch({
    seed: 1,
    limits: LIMITS,
    settings,
    onFinding: (finding) => findings.push(finding),
  })
  const net = createNet({
    frame: (bytes, at) => deliver(watch.sink, bytes, at),
    tick: (now) => watch.tick(now),
  })
  return { findings, watch, ...net }
}
