import { z } from '@hono/zod-openapi'

const time = z.number().openapi({ description: 'Milliseconds since the epoch' })
const port = z.number().int().min(1).max(65_535)
const shielded = {
  since: time,
  until: time,
  reason: z.string().openapi({ description: 'What was seen' }),
  alertId: z.number().int().optional(),
}
const shieldedPort = z.object({ port, ...shielded }).openapi('ShieldedPort')

export const ShieldStatus = z
  .object({
    guarded: z.array(shieldedPort).openapi({ description: 'TCP ports behind a SYN proxy' }),
    challenged: z
      .array(z.object({ address: z.string(), ...shielded }))
      .openapi({ description: 'Addresses whose every connection a SYN proxy tries first' }),
    paced: z
      .array(
        z.object({
          address: z.string(),
          port,
          perSecond: z
            .number()
            .int()
            .openapi({ description: 'So many packets a second begin a conversation' }),
          ...shielded,
        }),
      )
      .openapi({ description: 'UDP ports that take few new packets a second' }),
    closed: z.array(shieldedPort).openapi({ description: 'Ports that a playbook closed' }),
  })
  .openapi('ShieldStatus')

export const RecordingFile = z
  .object({
    path: z.string().openapi({ description: 'On the machine of the core' }),
    bytes: z.number().int().nonnegative(),
    at: time,
  })
  .openapi('RecordingFile')

export type ShieldStatus = z.infer<typeof ShieldStatus>
export type RecordingFile = z.infer<typeof RecordingFile>
