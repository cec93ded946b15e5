import { z } from 'zod'

/** How long and how much the store keeps. Section `store` of the configuration. */
export const storeSettings = z.strictObject({
  flowsDays: z.number().int().min(1).max(3650).default(30).describe('Days that flows are kept'),
  alertsDays: z.number().int().min(1).max(3650).default(365).describe('Days that alerts are kept'),
  decisionsDays: z
    .number()
    .int()
    .min(1)
    .max(3650)
    .default(730)
    .describe('Days that decisions are kept; those behind a block in force stay'),
  maxMegabytes: z
    .number()
    .int()
    .min(16)
    .max(1_048_576)
    .default(4096)
    .describe('Size of the database: beyond it the oldest flows go first, then alerts, then decisions'),
})

export type StoreSettings = z.infer<typeof storeSettings>
