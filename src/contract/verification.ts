import { z } from '@hono/zod-openapi'

export const Verification = z
  .object({
    checked: z.number().int().openapi({ description: 'Entries of the chain that fit; those before a break' }),
    removed: z
      .number()
      .int()
      .openapi({ description: 'Of them: what they said is gone with age or for room, their digest is not' }),
    from: z.number().int().optional(),
    to: z.number().int().optional(),
    head: z.string().optional().openapi({ description: 'The last link: SHA-256 as hex' }),
    isKnown: z
      .boolean()
      .optional()
      .openapi({ description: 'Whether the link asked for is one of the chain' }),
    broken: z
      .object({
        id: z.number().int(),
        what: z.enum(['changed', 'deleted', 'inserted', 'moved', 'cut']),
      })
      .optional()
      .openapi({ description: 'The first decision that does not fit' }),
  })
  .openapi('Verification')

export type Verification = z.infer<typeof Verification>
