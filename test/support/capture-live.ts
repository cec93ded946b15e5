import { captureSettings } from '#capture/settings.ts'
import { startCapture } from '#capture/thread.ts'
import type { CaptureReport } from '#model/capture-report.ts'

/**
 * Runs the capture thread in the network namespace that it is started in. Says every report as one JSON line, with the
 * time of its arrival; at SIGTERM it stops the thread, says `stopped` and how long that took. Settings of the
 * `capture` section: the first word of the command line, as JSON. With `brief` as the second, flows are left out.
 */
export type LiveLine =
  | { readonly report: CaptureReport; readonly arrivedAt: number }
  | { readonly stopped: { readonly afterMs: number } }

const isBrief = process.argv[3] === 'brief'
const say = (line: LiveLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

const thread = startCapture({
  settings: { capture: captureSettings.parse(JSON.parse(process.argv[2] ?? '{}')), detectors: {} },
  onReport: (report) =>
    say({
      report: isBrief && report.kind === 'flows' ? { ...report, changed: [], ended: [] } : report,
      arrivedAt: performance.timeOrigin + performance.now(),
    }),
})

process.on('SIGTERM', () => {
  const asked = performance.now()
  void thread.stop().then(() => say({ stopped: { afterMs: performance.now() - asked } }))
})
