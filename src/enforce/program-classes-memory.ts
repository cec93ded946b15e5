import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { writeAtomically } from '#lib/atomic-file.ts'
import { PROGRAM_CONDITIONS } from '#model/program-question.ts'
import type { ClassSet } from '#model/rule-program.ts'

const Remembered = z.object({
  half: z.union([z.literal(0), z.literal(1)]),
  sets: z.array(
    z.object({
      name: z.string(),
      question: z.object({ kind: z.enum(PROGRAM_CONDITIONS), values: z.array(z.string()) }),
      isTrue: z.boolean(),
    }),
  ),
})

/** What is in force, for a process that takes over from one that was killed. */
export interface RememberedClasses {
  /** Which half of the numbers is in use. */
  readonly half: 0 | 1
  /** The sets of the table in force. */
  readonly sets: readonly ClassSet[]
}

/** None where there is no such file, or it was cut short by a crash. */
export function readClasses(file: string): RememberedClasses {
  try {
    return Remembered.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return { half: 1, sets: [] }
  }
}

export const writeClasses = (file: string, classes: RememberedClasses): void =>
  writeAtomically(file, JSON.stringify(classes))
