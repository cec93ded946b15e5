import { z } from '@hono/zod-openapi'

/** What reverse DNS says of an address. */
export const PointerName = z
  .object({
    address: z.string(),
    name: z.string().optional().openapi({ description: 'Absent: there is none, or nobody answered' }),
    nameSource: z.literal('ptr').optional(),
    because: z.string().optional().openapi({ description: 'Why there is no answer' }),
  })
  .openapi('PointerName')

export type PointerName = z.infer<typeof PointerName>
