import { z } from 'zod'

const selfTestRun = z.object({
  isPassed: z.boolean(),
  packets: z.int().describe('Packets that were played; 0 for detectors that look at logs and history'),
  findings: z.int().describe('How often the detector spoke'),
  said: z.string().optional().describe('What it said first'),
})

/** What the self-tests of one detector came to. */
export const selfTestOutcomeSchema = z.object({
  id: z.string(),
  title: z.string(),
  fires: selfTestRun.describe('What it must find'),
  staysSilent: selfTestRun.describe('What looks alike, and it must not speak of'),
  isPassed: z.boolean(),
})

export type SelfTestRun = z.infer<typeof selfTestRun>
export type SelfTestOutcome = z.infer<typeof selfTestOutcomeSchema>
