import { z } from 'zod'
import { parseTarget } from '#model/address.ts'
import { SEVERITIES, type Severity } from '#model/finding.ts'
import { group, meantBy } from './group.ts'

const YEAR_SECONDS = 31_536_000

/** What an argument of a command may be replaced by: an address, a word of ours or a number, never free text. */
export const PLACEHOLDERS = ['subject', 'victim', 'detector', 'kind', 'severity', 'alert'] as const

export type Placeholder = (typeof PLACEHOLDERS)[number]

const BRACED = PLACEHOLDERS.map((word) => `{${word}}`).join(', ')

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'Use a lowercase word of at most 32 letters, digits and -')

/** One word or a list of them. */
const words = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : value),
  z.array(name).min(1).max(100),
)

const detectorsOf = (known: readonly string[]) =>
  words.superRefine((chosen, context) => {
    const unknown = chosen.find((word) => !known.includes(word))
    if (unknown === undefined) return
    const message = `There is no detector ${JSON.stringify(unknown)}. ${meantBy(unknown, known)}`
    context.addIssue({ code: 'custom', message })
  })

const whenOf = (detectors: readonly string[]) =>
  group({
    detector: detectorsOf(detectors).optional(),
    kind: words.optional(),
    severity: z.enum(SEVERITIES as [Severity]).optional(),
    victim: z
      .string()
      .refine((text) => parseTarget(text) !== undefined, {
        error: 'Use an address or a range, such as 192.0.2.7 or 2001:db8::/32',
      })
      .optional(),
    times: z.int().min(1).max(1_000).default(1),
    withinMinutes: z.number().min(0.1).max(1_440).default(60),
  })

const lasting = group({ seconds: z.int().min(1).max(YEAR_SECONDS) })

const step = group({
  block: lasting.optional(),
  limit: lasting.optional(),
  closeConnections: z.literal(true).optional(),
  closePort: lasting.optional(),
  capture: group({ packets: z.int().min(1).max(5_000) }).optional(),
  notify: z.string().min(1).max(200).optional(),
  run: name.optional(),
}).refine((given) => Object.keys(given).length === 1, {
  error: 'Each step is exactly one of block, limit, closeConnections, closePort, capture, notify, run',
})

const playbookOf = (detectors: readonly string[]) =>
  group({
    name,
    when: whenOf(detectors),
    steps: z.array(step).min(1).max(20),
    coolDownMinutes: z.number().min(0).max(10_080).default(10),
    dryRun: z.boolean().default(false),
  })

const argument = z
  .string()
  .max(1_000)
  .refine((text) => !/[{}\0]/.test(text) || PLACEHOLDERS.some((word) => text === `{${word}}`), {
    error: `A placeholder is a whole argument, one of ${BRACED}`,
  })

const commands = z
  .record(name, z.tuple([z.string().regex(/^\/[^\0{}]*$/, 'Use the absolute path of a program')], argument))
  .default({})
  .describe(
    'What playbooks may run, by name: the absolute path of a program and its arguments. No shell is involved. ' +
      `An argument may be ${BRACED}. A command gets 20 seconds; four run at once.`,
  )

export type Step = z.output<typeof step>

const missingCommands = (known: readonly string[], books: readonly { readonly steps: readonly Step[] }[]) =>
  books.flatMap(({ steps }, at) =>
    steps.flatMap(({ run }, index) => {
      if (run === undefined || known.includes(run)) return []
      const hint = known.length === 0 ? 'It has none' : meantBy(run, known)
      const message = `There is no command ${run} in playbooks.commands. ${hint}`
      return [{ code: 'custom' as const, path: ['books', at, 'steps', index, 'run'], message }]
    }),
  )

/** The `playbooks` section of the config. `detectors` are ids. */
export const playbooksSettingsFor = (detectors: readonly string[]) =>
  z
    .strictObject({
      commands,
      books: z
        .array(playbookOf(detectors))
        .max(100)
        .default([])
        .describe(
          'What is done about findings besides the usual response. Each has a name; when: detector, kind, severity ' +
            '(this or more), victim, times, withinMinutes; steps, each one of block: {seconds}, limit: {seconds}, ' +
            'closeConnections: true, closePort: {seconds} (of this machine, as the finding names it; never the page or ' +
            'SSH), capture: {packets} (the next ones of the source, or of the victim where nobody is to blame, as ' +
            'pcapng in the state folder), notify: TEXT, run: COMMAND; coolDownMinutes for the same source; dryRun.',
        ),
    })
    .superRefine(({ commands: { ...known }, books }, context) => {
      for (const issue of missingCommands(Object.keys(known), books)) context.addIssue(issue)
    })
    .prefault({})

export type PlaybooksSettings = z.output<ReturnType<typeof playbooksSettingsFor>>
export type Playbook = PlaybooksSettings['books'][number]
export type Commands = PlaybooksSettings['commands']
