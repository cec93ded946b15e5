import { mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { writeAtomically } from '#lib/atomic-file.ts'
import { LIST_ACTIONS } from './settings.ts'

const validators = z.object({ etag: z.string().optional(), lastModified: z.string().optional() })

const memory = z.object({
  /** What a person chose; the config may say otherwise. */
  isOn: z.boolean().default(false),
  action: z.enum(LIST_ACTIONS).default('alert'),
  validators: validators.default({}),
  entries: z.number().default(0),
  /** When the version in force was fetched or last found unchanged. Milliseconds since the epoch, as all times. */
  updatedAt: z.number().optional(),
  triedAt: z.number().optional(),
  nextTryAt: z.number().optional(),
  failures: z.number().default(0),
  /** Why it failed last. */
  reason: z.string().optional(),
  /** A version that waits for a person. */
  held: z.object({ reason: z.string(), entries: z.number(), at: z.number(), validators }).optional(),
  /** The trouble that people were told of. */
  told: z.string().optional(),
})

export type FeedMemory = z.infer<typeof memory>

export const freshMemory = (): FeedMemory => memory.parse({})

/** What is remembered of each list. A file that cannot be read is as none: the lists are fetched anew. */
export function readFeedMemory(path: string): Map<string, FeedMemory> {
  try {
    const all = z.record(z.string(), memory).parse(JSON.parse(readFileSync(path, 'utf8')))
    return new Map(Object.entries(all))
  } catch {
    return new Map()
  }
}

/** Throws the error of the file system. */
export function writeFeedMemory(path: string, all: ReadonlyMap<string, FeedMemory>): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeAtomically(path, `${JSON.stringify(Object.fromEntries(all), undefined, 1)}\n`)
}
