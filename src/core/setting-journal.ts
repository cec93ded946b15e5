import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { writeAtomically } from '#lib/atomic-file.ts'

const Entry = z.object({
  decisionId: z.number(),
  setting: z.string(),
  /** What the file had; absent: nothing, so that the default held. */
  before: z.unknown().optional(),
})

type SettingEntry = z.infer<typeof Entry>

/** As many changes can be undone. */
const MOST_KEPT = 500

/** What settings were before they were changed, by decision: what an undo needs. */
export interface SettingJournal {
  of(decisionId: number): SettingEntry | undefined
  keep(entries: readonly SettingEntry[]): void
}

/** A journal that cannot be read is begun anew: what it held can no longer be undone, and nothing else is lost. */
export function openSettingJournal(file: string): SettingJournal {
  let kept = remembered(file)
  return {
    of: (decisionId) => kept.find((entry) => entry.decisionId === decisionId),
    keep(entries) {
      kept = [...kept, ...entries].slice(-MOST_KEPT)
      writeAtomically(file, JSON.stringify(kept))
    },
  }
}

function remembered(file: string): readonly SettingEntry[] {
  try {
    return z.array(Entry).parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return []
  }
}
