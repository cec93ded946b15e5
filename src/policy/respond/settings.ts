import { z } from 'zod'
import { SEVERITIES } from '#model/finding.ts'

/** When findings become blocks. Described for the config check, the docs and the settings page. */
export const respondSettings = z
  .strictObject({
    blockFrom: z
      .enum([...SEVERITIES, 'never'] as [(typeof SEVERITIES)[number] | 'never'])
      .default('high')
      .describe('Block the source of findings from this severity up; `never` records them only'),
    blockSeconds: z
      .number()
      .int()
      .min(1)
      .max(31_536_000)
      .default(600)
      .describe('How long an automatic block lasts, in seconds'),
    blocksPerMinute: z
      .number()
      .int()
      .min(0)
      .max(100_000)
      .default(60)
      .describe(
        'How many addresses may be blocked automatically within a minute. Scans can be sent in the name of ' +
          'strangers: the budget bounds what a forger can make us shut out. Beyond it findings are recorded only',
      ),
    ipv6PrefixBits: z
      .number()
      .int()
      .min(48)
      .max(128)
      .default(128)
      .describe(
        'How much of an IPv6 address an automatic block names: 128 is the one address, 64 its whole network ' +
          '(an attacker may use any address of that). Falls back to the one address where the allow list has ' +
          'a part of the network',
      ),
  })
  .describe('What is done about findings')

export type RespondSettings = z.infer<typeof respondSettings>
