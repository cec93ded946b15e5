import { RecentMap } from '#lib/recent-map.ts'
import type { FlowNote } from '#model/flow-note.ts'

const FLOWS = 65_536

/** What flows said of themselves. Bounded: what was not asked for long is forgotten first. */
export interface FlowNotes {
  learn(notes: readonly FlowNote[]): void
  of(flow: number): FlowNote | undefined
}

export function createFlowNotes(): FlowNotes {
  const known = new RecentMap<number, FlowNote>(FLOWS)
  return {
    learn(notes) {
      for (const note of notes) known.set(note.flow, { ...known.get(note.flow), ...note })
    },
    of: (flow) => known.get(flow),
  }
}
