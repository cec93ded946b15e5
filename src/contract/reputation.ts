import { z } from '@hono/zod-openapi'

/** How good or bad something is known to be, with the reasons. */
export const Reputation = z
  .object({
    of: z.enum(['address', 'name', 'program']),
    subject: z.string(),
    score: z
      .number()
      .int()
      .openapi({ description: '0: nothing speaks against it. 100: known to be bad', example: 87 }),
    sentence: z.string(),
    factors: z
      .array(
        z.object({
          kind: z.enum(['list', 'service', 'detection', 'block', 'first-seen', 'country', 'peer', 'file']),
          sentence: z.string(),
          points: z.number().int(),
        }),
      )
      .openapi({ description: 'The heaviest first; their points add up to the score' }),
  })
  .openapi('Reputation')

export type Reputation = z.infer<typeof Reputation>
