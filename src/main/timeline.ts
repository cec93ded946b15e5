import type { TimelinePort } from '#api/timeline-port.ts'
import { KernelMinutes } from '#core/kernel-minutes.ts'
import { createTimelineDesk } from '#core/timeline-desk.ts'
import type { Base } from './base.ts'
import type { Watching } from './watching.ts'

const SAMPLE_MS = 10_000

/** The timeline, with the counters of the kernel read every ten seconds. */
export function openTimeline({ store, gate, now, onStop }: Base, { tally }: Watching): TimelinePort {
  const minutes = new KernelMinutes()
  const sample = (): void => {
    const lost = [...tally.interfaces].reduce((sum, { dropped }) => sum + dropped, 0)
    minutes.take({ blocks: gate.blocks(), lost }, now())
  }
  sample()
  const timer = setInterval(sample, SAMPLE_MS)
  onStop(() => clearInterval(timer))
  return createTimelineDesk({ store, minutes, now })
}
