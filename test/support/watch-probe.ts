import { openRingSource } from '#capture/sources/ring.ts'
import type { Finding } from '#model/finding.ts'
import { createWatch, warmUp } from '../../src/watch.ts'

/**
 * Runs the packet side, ring to detectors, in the network namespace that it is started in. Says one JSON object per
 * line: `ready`, then each finding with how long after its packet it was there, until SIGTERM.
 */
export interface WatchProbeLine {
  readonly ready?: true
  readonly finding?: Finding
  /** From the kernel's time stamp of the packet that was one too many until we said so, in milliseconds. */
  readonly latencyMs?: number
}

const say = (line: WatchProbeLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

warmUp()
const watch = createWatch({
  seed: 1,
  onFinding: (finding) =>
    say({ finding, latencyMs: performance.timeOrigin + performance.now() - finding.at }),
})
const source = openRingSource({
  interfaces: [],
  loopback: false,
  snapBytes: 1_600,
  sink: watch.sink,
  onHealth: ({ state }) => state === 'ok' && say({ ready: true }),
})
const clock = setInterval(() => watch.tick(Date.now()), 1_000)

process.on('SIGTERM', () => {
  clearInterval(clock)
  source.close()
})
