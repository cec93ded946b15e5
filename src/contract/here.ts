import { z } from '@hono/zod-openapi'

export const Here = z
  .object({
    country: z.string().optional().openapi({ description: 'ISO 3166-1 alpha-2; absent: not known' }),
    because: z.enum(['setting', 'address', 'time-zone', 'unknown']).openapi({
      description: 'places.country; a public address of this machine; its time zone; none of them tells',
    }),
  })
  .openapi('Here')

export type Here = z.infer<typeof Here>
