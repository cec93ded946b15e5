import { z } from '@hono/zod-openapi'

const DetectorSetting = z
  .object({
    name: z.string(),
    /** A number, a list …: as the config writes it. */
    value: z.union([z.number(), z.string(), z.boolean(), z.array(z.union([z.number(), z.string()]))]),
    from: z.enum(['default', 'profile', 'config']),
    description: z.string(),
  })
  .openapi('DetectorSetting')

export const DetectorState = z
  .object({
    id: z.string(),
    title: z.string(),
    /** MITRE ATT&CK technique id. */
    technique: z.string(),
    mode: z.enum(['off', 'watch', 'suggest', 'act']),
    profile: z.enum(['normal', 'aggressive', 'paranoid']),
    settings: z.array(DetectorSetting),
  })
  .openapi('Detector')

export type DetectorState = z.infer<typeof DetectorState>
