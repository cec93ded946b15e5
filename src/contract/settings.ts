import { z } from '@hono/zod-openapi'
import { Decision } from './schemas.ts'

/** A value as the config writes it. */
const value = z.unknown().openapi({ description: 'A number, a text, a list …: as the config writes it' })

const SettingOrigin = z
  .discriminatedUnion('from', [
    z.object({ from: z.literal('default') }),
    z.object({ from: z.literal('file'), line: z.number().int() }),
    z.object({ from: z.enum(['flag', 'environment']), name: z.string() }),
  ])
  .openapi('SettingOrigin')

export const Setting = z
  .object({
    setting: z.string().openapi({ example: 'detectors.port-scan.refusedPorts' }),
    value: value.optional().openapi({ description: 'As the file has it now; absent of a secret' }),
    default: value.optional(),
    effective: z
      .object({ value, profile: z.string() })
      .optional()
      .openapi({ description: 'What is at work where nobody wrote a value and a profile has one' }),
    description: z.string(),
    expected: z.string().openapi({ example: 'a whole number from 1 to 3650' }),
    kind: z.enum(['switch', 'choice', 'number', 'text', 'list', 'yaml']),
    choices: z.array(z.string()).readonly().optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    origin: SettingOrigin,
    isSecret: z.boolean().openapi({ description: 'It can be set, but is never shown' }),
    takesEffect: z.enum(['now', 'restart']),
    waits: z.boolean().openapi({ description: 'It was changed, and holds from the next start on' }),
  })
  .openapi('Setting')

const SettingProblem = z
  .object({
    setting: z.string().optional(),
    line: z.number().int().optional(),
    column: z.number().int().optional(),
    message: z.string(),
    hint: z.string(),
  })
  .openapi('SettingProblem')

export const SettingsState = z
  .object({
    file: z.string(),
    settings: z.array(Setting),
    problems: z
      .array(SettingProblem)
      .openapi({ description: 'Why the file cannot be read now; `settings` are those in force then' }),
  })
  .openapi('SettingsState')

const SettingChange = z.strictObject({
  setting: z.string().min(1).max(200),
  /** Absent, and `text` too: it is taken out of the file, so that its default holds. */
  value: value.optional(),
  text: z.string().max(60_000).optional().openapi({ description: 'The value as YAML, instead of `value`' }),
})

export const SettingsChange = z
  .strictObject({
    changes: z.array(SettingChange).min(1).max(100),
    dryRun: z.boolean().optional(),
  })
  .openapi('SettingsChange')

export const SettingsOutcome = z
  .object({
    sentence: z.string(),
    /** One of each setting that changed; each can be undone. */
    decisions: z.array(Decision),
    needsRestart: z.boolean(),
    file: z.string(),
  })
  .openapi('SettingsOutcome')

export const TuningRequest = z
  .strictObject({
    setting: z.string().max(200).openapi({ example: 'detectors.port-scan.refusedPorts' }),
    value: z.number(),
    days: z.number().min(0.1).max(366).default(7),
  })
  .openapi('TuningRequest')

/** What another limit would have meant for the alerts of the past, as far as their evidence tells. */
export const Tuning = z
  .object({
    setting: z.string(),
    from: z.number(),
    to: z.number(),
    since: z.number(),
    /** Alerts of the detector in that time. */
    alerts: z.number().int(),
    /** Would have been told all the same. */
    stays: z.number().int(),
    /** Their evidence is below the new limit: they would not have been told. */
    gone: z.number().int(),
    /** Below it too, but the source was turned away at once: how far it would have gone nobody knows. */
    cutShort: z.number().int(),
    /** Their evidence does not tell. */
    unknown: z.number().int(),
    /** More might have been told: what never was an alert is not recorded. */
    isLooser: z.boolean(),
    isPartial: z.boolean().openapi({ description: 'There are more alerts than were looked at' }),
    examples: z.array(
      z.object({
        alertId: z.number().int(),
        at: z.number(),
        summary: z.string(),
        measured: z.number().optional(),
        outcome: z.enum(['stays', 'gone', 'cutShort', 'unknown']),
      }),
    ),
  })
  .openapi('Tuning')

export type TuningRequest = z.infer<typeof TuningRequest>
export type Tuning = z.infer<typeof Tuning>
export type Setting = z.infer<typeof Setting>
export type SettingProblem = z.infer<typeof SettingProblem>
export type SettingsState = z.infer<typeof SettingsState>
export type SettingsChange = z.infer<typeof SettingsChange>
export type SettingsOutcome = z.infer<typeof SettingsOutcome>
