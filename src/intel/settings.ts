import { z } from 'zod'
import { FORMAT_NAMES } from './formats/formats.ts'

export const LIST_ACTIONS = ['record', 'alert', 'block'] as const

/** What happens when a connection's peer is on a list: it is shown, told, or told and shut out. */
export type ListAction = (typeof LIST_ACTIONS)[number]

const id = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,47}$/, 'Use lowercase letters, digits and hyphens, at most 48')
const action = z.enum(LIST_ACTIONS).default('alert')
const webAddress = z.url({ protocol: /^https?$/ }).max(2_048)

const ownList = z
  .strictObject({
    id,
    title: z.string().min(1).max(100).optional(),
    url: webAddress.optional(),
    file: z.string().min(1).max(4_096).optional(),
    format: z.enum(FORMAT_NAMES),
    action,
    everyHours: z.number().min(0.1).max(8_760).default(24),
    near: z.boolean().default(false),
    authorizationFile: z.string().min(1).max(4_096).optional(),
    checksumUrl: webAddress.optional(),
  })
  .refine(({ url, file }) => (url === undefined) !== (file === undefined), {
    error: 'A list needs either url or file',
  })

const serviceShape = (about: string) => ({
  on: z
    .boolean()
    .default(false)
    .describe(`Ask ${about}: by hand (gatehouse lookup --ask), or of itself where auto says so.`),
  auto: z
    .boolean()
    .default(false)
    .describe(
      'Ask of itself about programs and public peers that are new, and first about those in alerts. ' +
        'It then learns whom you talk to.',
    ),
  key: z
    .string()
    .min(1)
    .max(512)
    .meta({ secret: true })
    .optional()
    .describe('Your key. Better in a file of its own: keyFile.'),
  keyFile: z
    .string()
    .min(1)
    .max(4_096)
    .optional()
    .describe('File that holds your key, and nothing else. Nobody but you may read it (chmod 600).'),
  url: webAddress.optional().describe('Another server that speaks the same protocol.'),
})

const service = (about: string) => z.strictObject(serviceShape(about)).prefault({})

const abuseipdb = z
  .strictObject({
    ...serviceShape('AbuseIPDB about an address'),
    reports: z
      .boolean()
      .default(false)
      .describe(
        'You agree that addresses are reported to AbuseIPDB, and shown there to everybody: each one by hand ' +
          '(gatehouse report-abuse), none of itself.',
      ),
  })
  .prefault({})

const percent = z.int().min(1).max(100)

const reputation = z
  .strictObject({
    alertFrom: percent
      .default(80)
      .describe('An alert tells of a peer or program whose reputation is so bad, from 1 to 100.'),
    blockFrom: percent
      .optional()
      .describe('A peer whose reputation is so bad is blocked, for blockSeconds. Without it none is.'),
    countries: z
      .record(
        z.string().regex(/^[A-Z]{2}$/, 'Use the two letters of ISO 3166-1, such as KP'),
        z.int().min(0).max(100),
      )
      .default({})
      .describe('Countries that speak against an address, and how much: "KP: 30".'),
  })
  .prefault({})

/** The `intel` section of the config. */
export const intelSettings = z
  .strictObject({
    feeds: z
      .record(id, z.strictObject({ on: z.boolean().default(true), action }))
      .default({})
      .describe(
        'Lists of the catalogue that are on or off, such as "feodo: { on: true, action: block }". The action is record, ' +
          'alert or block. What stands here wins over gatehouse feeds on. Without it nothing is fetched.',
      ),
    lists: z
      .array(ownList)
      .max(16)
      .default([])
      .describe(
        'Your own lists, each with id, format, and url or file; also title, action, everyHours, checksumUrl, ' +
          'authorizationFile (its content goes into the Authorization header) and near (true: a server in your own network).',
      ),
    services: z
      .strictObject({
        virustotal: service('VirusTotal about a hash, address or domain'),
        abuseipdb,
        otx: service('AlienVault OTX about a hash, address or domain'),
        rdap: service('RDAP who holds an address'),
      })
      .prefault({}),
    reputation,
    proxy: z
      .url({ protocol: /^http$/ })
      .max(2_048)
      .meta({ secret: true })
      .optional()
      .describe(
        'Web proxy through which lists are fetched and services asked, such as "http://192.0.2.1:3128"; ' +
          'with user and password if it wants them.',
      ),
    ignore: z
      .array(z.string().min(1).max(253))
      .max(1_000)
      .default([])
      .describe('Addresses, ranges and domains that no list is believed about.'),
    blockSeconds: z
      .int()
      .min(60)
      .max(31_536_000)
      .default(86_400)
      .describe('How long an address is blocked that a list with the action block names.'),
    maxShrink: z
      .number()
      .min(0.05)
      .max(1)
      .default(0.5)
      .describe('A list that loses more than this share of its entries at once waits for you.'),
    maxGrow: z
      .number()
      .min(1.1)
      .max(1_000)
      .default(4)
      .describe('A list that has so many times as many entries at once waits for you.'),
    maxMegabytes: z
      .int()
      .min(1)
      .max(1_024)
      .default(64)
      .describe('Largest list that is fetched, as it is sent.'),
    maxEntries: z
      .int()
      .min(1_000)
      .max(2_000_000)
      .default(1_000_000)
      .describe('Most entries that one list may have.'),
  })
  .prefault({})

export type IntelSettings = z.infer<typeof intelSettings>
