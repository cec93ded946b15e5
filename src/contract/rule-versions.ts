import { z } from '@hono/zod-openapi'

/** Rules that came in force for good. */
export const RuleVersion = z
  .object({
    number: z.number().int().positive(),
    at: z.number().openapi({ description: 'Milliseconds since the epoch' }),
    actor: z.string(),
    reason: z.string(),
    bytes: z.number().int().nonnegative(),
    decisionId: z.number().int().optional().openapi({ description: 'What to undo to be rid of it' }),
    isInForce: z.boolean(),
  })
  .openapi('RuleVersion')

/** Newest first; the oldest are forgotten in time. */
export const RuleVersions = z.object({ versions: z.array(RuleVersion) }).openapi('RuleVersions')

export const RuleVersionText = z
  .object({ version: RuleVersion, text: z.string().openapi({ description: 'The rules file as it was' }) })
  .openapi('RuleVersionText')

export type RuleVersion = z.infer<typeof RuleVersion>
export type RuleVersions = z.infer<typeof RuleVersions>
export type RuleVersionText = z.infer<typeof RuleVersionText>
