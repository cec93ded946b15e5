import { z } from 'zod'
import { SEVERITIES, type Severity } from '#model/finding.ts'

const YEAR_SECONDS = 31_536_000

export type Threshold = Severity | 'never'

export const MODES = ['off', 'watch', 'suggest', 'act'] as const

/** How far a detector may go: say nothing, only tell, propose a block, or block. */
export type Mode = (typeof MODES)[number]

const threshold = z.enum([...SEVERITIES, 'never'] as [Threshold])
const lasting = z.int().min(1).max(YEAR_SECONDS)

const mode = (detector: string, usual: Mode) =>
  z
    .enum(MODES)
    .default(usual)
    .describe(
      `What findings of ${detector} may lead to. off: nothing, not even an alert; watch: an alert; ` +
        'suggest: a block that waits for a person to accept it, until that detector has earned trust; act: a block',
    )

const thresholds = {
  profile: z
    .enum(['normal', 'aggressive', 'paranoid'])
    .default('normal')
    .describe(
      'Sets alertFrom, limitFrom, blockFrom and minConfidence where they are absent. ' +
        'normal: low, never, high, 0.7; aggressive: info, medium, high, 0.5; paranoid: info, low, medium, 0.3. ' +
        'And the limits of the detectors: aggressive asks for about half the evidence, paranoid for a quarter',
    ),
  alertFrom: threshold
    .optional()
    .describe('Tell people of findings from this severity up; the rest is recorded and put away'),
  limitFrom: threshold
    .optional()
    .describe('Let only few packets of the source through, from this severity up, where it is not blocked'),
  blockFrom: threshold
    .optional()
    .describe('Block the source of findings from this severity up; `never`: nobody'),
  minConfidence: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Block only when the detector is at least as sure as this, from 0 to 1'),
}

const lengths = {
  blockSeconds: lasting
    .default(600)
    .describe('How long the first automatic block of an address lasts, in seconds'),
  escalation: z
    .array(lasting)
    .max(10)
    .default([3_600, 86_400, 604_800])
    .describe(
      'How long the second, third and each later block of the same address (IPv6: the same /64) lasts, in ' +
        'seconds. Empty: always blockSeconds',
    ),
  escalationDays: z
    .number()
    .min(0.01)
    .max(365)
    .default(7)
    .describe(
      'Blocks count towards escalation for so many days after they ended. When a person unblocks somebody, ' +
        'counting begins anew',
    ),
  blocksPerMinute: z
    .int()
    .min(0)
    .max(100_000)
    .default(60)
    .describe(
      'How many addresses that nothing proves (no handshake) may be blocked within a minute. Scans can be sent ' +
        'in the name of strangers: the budget bounds what a forger can make us shut out',
    ),
  guestDays: z
    .number()
    .min(0)
    .max(365)
    .default(7)
    .describe(
      'Where somebody logged in from within so many days is not blocked on evidence that may be forged: a scan in his ' +
        'name must not keep him out. 0: blocked as anybody else',
    ),
  beyondBudget: z
    .enum(['limit', 'record'])
    .default('limit')
    .describe(
      'What happens beyond blocksPerMinute, besides one alert: let few packets of those sources through (ten ' +
        'times as many sources at the most), or record only',
    ),
}

const others = {
  ipv6PrefixBits: z
    .int()
    .min(48)
    .max(128)
    .default(128)
    .describe(
      'How much of an IPv6 address an automatic block names: 128 is the one address, 64 its whole network ' +
        '(an attacker may use any address of that). Falls back to the one address where the allow list has ' +
        'a part of the network',
    ),
  ipv6WidenAfter: z
    .int()
    .min(0)
    .max(64)
    .default(3)
    .describe(
      'So many attacking addresses of one IPv6 /64 within an hour get the whole /64 blocked; so many such /64 ' +
        'of one /56 that, and so many /56 of one /48 that. Beyond /64 only proven sources count. 0: never',
    ),
  confirmations: z
    .int()
    .min(1)
    .max(1_000)
    .default(5)
    .describe(
      'After so many accepted suggestions a detector in the mode `suggest` blocks by itself, until a person ' +
        'takes back one of its blocks',
    ),
}

/**
 * When findings become blocks. Described for the config check, the docs and the settings page. `detectors` are ids, and
 * `informing` those of them that only tell where nobody chose a mode.
 */
export const respondSettingsFor = (detectors: readonly string[], informing: readonly string[] = []) =>
  z
    .strictObject({
      ...thresholds,
      ...lengths,
      ...others,
      modes: z
        .strictObject(
          Object.fromEntries(detectors.map((id) => [id, mode(id, informing.includes(id) ? 'watch' : 'act')])),
        )
        .prefault({})
        .transform((modes): Readonly<Record<string, Mode>> => modes),
    })
    .describe('What is done about findings')

/** With no detector to set a mode for: each acts. */
export const respondSettings = respondSettingsFor([])

export type RespondSettings = z.output<typeof respondSettings>

/** From which severity, and how sure. */
export interface Thresholds {
  readonly alertFrom: Threshold
  readonly limitFrom: Threshold
  readonly blockFrom: Threshold
  readonly minConfidence: number
}

const PROFILES: Readonly<Record<RespondSettings['profile'], Thresholds>> = {
  normal: { alertFrom: 'low', limitFrom: 'never', blockFrom: 'high', minConfidence: 0.7 },
  aggressive: { alertFrom: 'info', limitFrom: 'medium', blockFrom: 'high', minConfidence: 0.5 },
  paranoid: { alertFrom: 'info', limitFrom: 'low', blockFrom: 'medium', minConfidence: 0.3 },
}

/** Those of the profile, and the single settings above them. */
export function thresholdsOf(settings: RespondSettings): Thresholds {
  const profile = PROFILES[settings.profile]
  return {
    alertFrom: settings.alertFrom ?? profile.alertFrom,
    limitFrom: settings.limitFrom ?? profile.limitFrom,
    blockFrom: settings.blockFrom ?? profile.blockFrom,
    minConfidence: settings.minConfidence ?? profile.minConfidence,
  }
}

/** Such as `respond.blockFrom = high`, and where the value comes from when nobody wrote it. */
export function saidBy(settings: RespondSettings, name: keyof Thresholds): string {
  const isFromProfile = settings[name] === undefined && settings.profile !== 'normal'
  return `respond.${name} = ${thresholdsOf(settings)[name]}${isFromProfile ? ` (profile ${settings.profile})` : ''}`
}
