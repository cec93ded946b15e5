import { z } from '@hono/zod-openapi'
import { RuleExplanation } from './rules.ts'

/** One of the three, by its number. */
export const ExplainedRequest = z
  .discriminatedUnion('of', [
    z.strictObject({ of: z.literal('alert'), id: z.number().int().nonnegative() }),
    z.strictObject({ of: z.literal('flow'), id: z.number().int().nonnegative() }),
    z.strictObject({ of: z.literal('decision'), id: z.number().int().nonnegative() }),
  ])
  .openapi('ExplainedRequest')

/** What it was, why it was so, and what blocks and rules would do with its packet now. */
export const Explained = z
  .object({
    about: z.string().openapi({ description: 'What it was, and why' }),
    explanation: RuleExplanation.optional().openapi({ description: 'Absent where it is about no packet' }),
    flip: z.string().openapi({ description: 'The smallest change that turns it round' }),
  })
  .openapi('Explained')

export type ExplainedRequest = z.infer<typeof ExplainedRequest>
export type Explained = z.infer<typeof Explained>
