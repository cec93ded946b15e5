import { z } from '@hono/zod-openapi'
import { RULES_TEXT_LIMIT } from './http.ts'
import { RulesCheck } from './rules.ts'

const count = z.number().int().nonnegative()

/** A ruleset of another firewall, or a plain list of addresses. */
export const RulesImport = z
  .strictObject({
    text: z.string().min(1).max(RULES_TEXT_LIMIT),
    format: z
      .enum(['ufw', 'nft', 'iptables-save', 'list'])
      .optional()
      .openapi({ description: 'Absent: told by the text' }),
    name: z
      .string()
      .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'Use a lowercase word of at most 32 letters, digits, - and _')
      .default('imported')
      .openapi({ description: 'Of the list that a plain list becomes' }),
    dryRun: z.boolean().optional().openapi({ description: 'Answer, but keep no draft' }),
  })
  .openapi('RulesImport')

export const RulesImported = z
  .object({
    format: z.enum(['ufw', 'nft', 'iptables-save', 'list']),
    text: z.string().openapi({ description: 'The draft' }),
    rules: count,
    mapped: count,
    changed: count,
    skipped: count,
    /** Those that were changed or skipped, at most a thousand. */
    lines: z.array(
      z.object({
        line: count,
        text: z.string(),
        outcome: z.enum(['mapped', 'changed', 'skipped']),
        note: z.string().optional(),
      }),
    ),
    check: RulesCheck,
  })
  .openapi('RulesImported')

export const EXPORT_FORMATS = ['yaml', 'json', 'nft'] as const

export const RulesExport = z
  .object({ format: z.enum(EXPORT_FORMATS), text: z.string() })
  .openapi('RulesExport')

export type RulesImport = z.infer<typeof RulesImport>
export type RulesImported = z.infer<typeof RulesImported>
export type RulesExport = z.infer<typeof RulesExport>
