import { z } from '@hono/zod-openapi'
import { RULES_TEXT_LIMIT } from './http.ts'
import { PendingRules, RulesCheck } from './rules.ts'

const time = z.number().openapi({ description: 'Milliseconds since the epoch' })
const number = z.number().int().min(1).max(20_000)
const text = z.string().max(RULES_TEXT_LIMIT)

/** How it stands with the rules, in few words: what every page must know at once. */
export const RulesStanding = z
  .object({
    isEnforced: z.boolean(),
    /** Counts up whenever the rules, the draft or what waits changes. */
    revision: z.number().int(),
    hasDraft: z.boolean(),
    pending: PendingRules.omit({ text: true }).optional(),
  })
  .openapi('RulesStanding')

const written = z
  .union([z.string().min(1).max(1000), z.record(z.string().max(64), z.unknown())])
  .openapi({ description: 'The short form, or the keys of the file' })

export const RuleEdit = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('add'), rule: written, at: number.optional() }),
    z.strictObject({ kind: z.literal('replace'), number, rule: written }),
    z.strictObject({ kind: z.literal('remove'), number }),
    z.strictObject({ kind: z.literal('move'), number, to: number }),
    z.strictObject({ kind: z.literal('enable'), number, enabled: z.boolean() }),
    z.strictObject({
      kind: z.literal('default'),
      direction: z.enum(['inbound', 'outbound', 'forward']),
      policy: z.enum(['allow', 'deny', 'reject']),
    }),
  ])
  .openapi('RuleEdit')

/** Without `text` the draft is edited, or the rules in force. */
export const RuleEditing = z
  .strictObject({
    text: text.optional(),
    edits: z.array(RuleEdit).min(1).max(100),
    /** Answer, but keep nothing. */
    dryRun: z.boolean().optional(),
  })
  .openapi('RuleEditing')

export const RuleReading = z.strictObject({ text }).openapi('RuleReading')

/** One rule of a text, as it is written and as it is understood. */
const ReadRule = z
  .object({
    number: z.number().int(),
    id: z.string(),
    enabled: z.boolean(),
    action: z.string().openapi({ description: 'As written; what is no action too' }),
    text: z
      .string()
      .openapi({ description: 'One line for people, or what is written where that is no rule' }),
    comment: z.string().optional(),
    expiresAt: time.optional(),
    keys: z
      .record(z.string(), z.unknown())
      .openapi({ description: 'The keys of the file; the short form too' }),
    isShort: z.boolean(),
  })
  .openapi('ReadRule')

export const RulesRead = z
  .object({
    text: z.string(),
    rules: z.array(ReadRule),
    defaults: z.object({ inbound: z.string(), outbound: z.string(), forward: z.string() }),
    lists: z.array(z.string()),
    check: RulesCheck,
  })
  .openapi('RulesRead')

/** When the counter of each rule was last seen to grow, since `since`. */
export const RulesUse = z
  .object({ since: time, used: z.array(z.object({ id: z.string(), lastAt: time })) })
  .openapi('RulesUse')

export type RulesStanding = z.infer<typeof RulesStanding>
export type RuleEdit = z.infer<typeof RuleEdit>
export type RuleEditing = z.infer<typeof RuleEditing>
export type ReadRule = z.infer<typeof ReadRule>
export type RulesRead = z.infer<typeof RulesRead>
export type RulesUse = z.infer<typeof RulesUse>
