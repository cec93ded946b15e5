import { adblock } from './adblock.ts'
import { feodoCsv, feodoJson } from './feodo.ts'
import type { Format } from './format.ts'
import { misp } from './misp.ts'
import { domains, hosts } from './names.ts'
import { ownCsv, ownJson } from './own.ts'
import { plain } from './plain.ts'
import { spamhaus } from './spamhaus.ts'
import { stix } from './stix.ts'
import { threatfoxCsv, threatfoxJson } from './threatfox.ts'
import { urlhausCsv, urlhausJson } from './urlhaus.ts'

/** Every format that a list may have, by the name that settings use. */
export const FORMATS = {
  plain,
  spamhaus,
  'feodo-csv': feodoCsv,
  'feodo-json': feodoJson,
  'urlhaus-csv': urlhausCsv,
  'urlhaus-json': urlhausJson,
  'threatfox-csv': threatfoxCsv,
  'threatfox-json': threatfoxJson,
  hosts,
  domains,
  adblock,
  stix,
  /** A collection of a TAXII 2.1 server: pages of STIX objects. */
  taxii: stix,
  misp,
  /** A folder of MISP events with its manifest.json. */
  'misp-feed': misp,
  'own-csv': ownCsv,
  'own-json': ownJson,
} as const satisfies Readonly<Record<string, Format>>

export type FormatName = keyof typeof FORMATS

export const FORMAT_NAMES = Object.keys(FORMATS) as [FormatName, ...FormatName[]]
