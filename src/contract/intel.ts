import { z } from '@hono/zod-openapi'

const time = z.number().openapi({ description: 'Milliseconds since the epoch' })
const count = z.number().int().nonnegative()

const ListAction = z.enum(['record', 'alert', 'block']).openapi({
  description: 'What happens when the peer of a connection is on the list: shown; told; told and shut out',
})

const ListCategory = z.enum([
  'command-and-control',
  'malware',
  'hijacked',
  'attacks',
  'anonymity',
  'tracking',
  'own',
])

/** A list that could be on, with how it is doing. */
export const Feed = z
  .object({
    id: z.string(),
    title: z.string(),
    category: ListCategory,
    format: z.string(),
    from: z
      .string()
      .openapi({ description: 'Where it is fetched from when it is on: a web address or a file' }),
    licence: z.string().optional(),
    homepage: z.string().optional(),
    everyHours: z.number(),
    isOwn: z.boolean(),
    isOn: z.boolean(),
    action: ListAction,
    decidedBy: z.enum(['config', 'person', 'nobody']),
    state: z.enum(['off', 'waiting', 'ok', 'stale', 'failing', 'held']),
    reason: z.string().optional().openapi({ description: 'Why it is not ok' }),
    entries: count,
    updatedAt: time.optional(),
    nextTryAt: time.optional(),
    hits: count.openapi({ description: 'Different peers and names that it held since the start' }),
    lastHitAt: time.optional(),
    dropped: z
      .object({ packets: count, bytes: count })
      .optional()
      .openapi({ description: 'What the kernel turned away since the start, of a list that blocks' }),
    held: z
      .object({ reason: z.string(), entries: count, at: time })
      .optional()
      .openapi({ description: 'A new version that waits for a person' }),
  })
  .openapi('Feed')

export const FeedChange = z
  .object({ isOn: z.boolean(), action: ListAction.optional() })
  .strict()
  .openapi('FeedChange')

export const FeedDecision = z.object({ accept: z.boolean() }).strict().openapi('FeedDecision')

export const LookupRequest = z
  .object({ value: z.string().min(1).max(4_096) })
  .strict()
  .openapi('LookupRequest')

export const FeedOutcome = z
  .object({
    sentence: z.string(),
    feed: Feed,
    decisionId: z
      .number()
      .int()
      .optional()
      .openapi({ description: 'Of the change, for its undo; absent where nothing changed' }),
  })
  .openapi('FeedOutcome')

/** One list that holds something, since when and why. */
export const Listing = z
  .object({
    list: z.string(),
    title: z.string(),
    category: ListCategory,
    action: ListAction,
    matched: z.string(),
    since: time,
    until: time.optional(),
    confidence: z.number().openapi({ description: '0 to 100' }),
    reason: z.string().optional(),
  })
  .openapi('Listing')

/** Everything that is known of an address, a domain, a URL, a hash or a fingerprint. */
export const Lookup = z
  .object({
    value: z.string(),
    kind: z.enum(['target', 'domain', 'url', 'sha256', 'sha1', 'md5', 'ja3', 'ja4']),
    sentence: z.string(),
    listings: z.array(Listing),
    opinions: z
      .array(
        z.object({
          service: z.string(),
          title: z.string(),
          score: z.number().optional(),
          sentence: z.string(),
          at: time,
        }),
      )
      .optional()
      .openapi({ description: 'What services said that a person switched on, as far as it still holds' }),
    troubles: z
      .array(z.string())
      .optional()
      .openapi({ description: 'Services that cannot be asked now, and why' }),
    ignoredBecause: z.string().optional().openapi({ description: 'The entry of intel.ignore that names it' }),
    allowedBecause: z.string().optional(),
    blockedBecause: z.string().optional(),
  })
  .openapi('Lookup')

export const AbuseReport = z
  .object({
    address: z.string().openapi({ example: '203.0.113.9' }),
    categories: z
      .array(
        z.enum([
          ...(['ddos', 'phishing', 'web-spam', 'email-spam', 'port-scan', 'hacking'] as const),
          ...(['sql-injection', 'brute-force', 'bad-bot', 'exploited-host', 'web-attack', 'ssh'] as const),
        ]),
      )
      .min(1)
      .max(12),
    comment: z.string().max(1_024).optional().openapi({ description: 'Everybody reads it there' }),
  })
  .strict()
  .openapi('AbuseReport')

export const AbuseReported = z.object({ sentence: z.string() }).openapi('AbuseReported')

/** One request that left the machine because of Gatehouse. */
export const EgressEntry = z
  .object({ id: z.number(), at: time, to: z.string(), what: z.string(), why: z.string() })
  .openapi('EgressEntry')

export type Feed = z.infer<typeof Feed>
export type FeedChange = z.infer<typeof FeedChange>
export type FeedOutcome = z.infer<typeof FeedOutcome>
export type Lookup = z.infer<typeof Lookup>
export type EgressEntry = z.infer<typeof EgressEntry>
export type AbuseReport = z.infer<typeof AbuseReport>
