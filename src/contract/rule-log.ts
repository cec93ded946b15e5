import { z } from '@hono/zod-openapi'

const count = z.number().int().nonnegative()

/** A packet that a rule, a default, a block or a list turned away, or that a rule recorded. */
const RuledPacket = z
  .object({
    id: count.openapi({ description: 'Counts up since the start' }),
    at: z.number().openapi({ description: 'Milliseconds since the epoch' }),
    direction: z.enum(['inbound', 'outbound', 'forward']),
    outcome: z.enum(['deny', 'reject', 'audit', 'block', 'limit']),
    rule: z
      .object({ number: count, id: z.string(), comment: z.string().optional() })
      .optional()
      .openapi({ description: 'Of deny, reject and audit' }),
    block: z
      .object({
        id: count.optional().openapi({ description: 'Of the decision' }),
        target: z.string(),
        actor: z.string(),
        reason: z.string(),
      })
      .optional()
      .openapi({ description: 'Of block and limit' }),
    isBeyondLimit: z.boolean(),
    source: z.string(),
    target: z.string(),
    protocol: count,
    length: count.openapi({ description: 'Bytes, IP header included' }),
    ttl: count,
    tos: count,
    sourcePort: count.optional(),
    targetPort: count.optional(),
    tcp: z.object({ flags: count, sequence: count, acknowledgement: count, window: count }).optional(),
    icmp: z.object({ type: count, code: count }).optional(),
    uid: count.optional(),
    user: z.string().optional(),
    program: z.string().optional(),
    pid: count.optional(),
    fromInterface: z.string().optional(),
    toInterface: z.string().optional(),
    text: z.string().openapi({ description: 'As it stands in firewall.log' }),
  })
  .openapi('RuledPacket')

export const RuleLog = z
  .object({
    /** The newest last. */
    packets: z.array(RuledPacket),
    unwritten: count.openapi({ description: 'Packets beyond the bound since the start: only counted' }),
    file: z.string().optional().openapi({ description: 'Where the lines are kept' }),
  })
  .openapi('RuleLog')

export type RuleLog = z.infer<typeof RuleLog>
