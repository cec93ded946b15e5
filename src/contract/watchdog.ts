import { z } from '@hono/zod-openapi'

const count = z.number().int().nonnegative()
const time = z.number().openapi({ description: 'Milliseconds since the epoch' })

export const WatchRequest = z
  .object({
    program: z
      .string()
      .min(1)
      .max(4096)
      .openapi({ description: 'Path, SHA-256 (64 digits) or name', example: '/usr/bin/curl' }),
    byHash: z
      .boolean()
      .optional()
      .openapi({ description: 'Watch the content of the file at this path: copies under other names too' }),
    reason: z.string().max(200).optional(),
    dryRun: z.boolean().optional(),
  })
  .openapi('WatchRequest')

export const WatchedProgram = z
  .object({
    program: z.string().openapi({ description: 'Path, name, or sha256: and 64 digits' }),
    by: z.enum(['path', 'hash', 'name']),
    actor: z.string(),
    reason: z.string(),
    since: time,
    decisionId: z.number().int(),
    /** Calls of the program that the kernel refused. */
    refusals: count,
    /** Connections that were open, or slipped through, and were closed. */
    closed: count,
    files: z.array(z.string()).openapi({ description: 'Where its executables were seen' }),
    spared: z.string().optional().openapi({ description: 'Why it keeps its connections all the same' }),
  })
  .openapi('WatchedProgram')

export type WatchRequest = z.infer<typeof WatchRequest>
export type WatchedProgram = z.infer<typeof WatchedProgram>
