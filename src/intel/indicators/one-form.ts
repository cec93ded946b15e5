import { domainToASCII } from 'node:url'
import type { IndicatorKind } from '#model/indicator.ts'

const HEX_LENGTH: Readonly<Record<string, number>> = { sha256: 64, sha1: 40, md5: 32, ja3: 32 }
const HEX = /^[0-9a-f]+$/
/** ja4_a has 10 characters, the two hashes 12 each (FoxIO, JA4 technical details). */
const JA4 = /^[tqd][0-9a-z]{9}_[0-9a-f]{12}_[0-9a-f]{12}$/
const LABELS = /^(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*$/
const IPV4_LIKE = /^\d+(\.\d+)*$/
const BEYOND_ASCII = /[\u0080-\uffff]/
const MOST_URL_CHARACTERS = 4_096

/** The one form in which a text is kept and looked up; undefined when it is none of its kind. */
export function textOf(kind: Exclude<IndicatorKind, 'target'>, value: string): string | undefined {
  if (kind === 'domain') return domainOf(value)
  if (kind === 'url') return urlOf(value)
  const lower = value.trim().toLowerCase()
  if (kind === 'ja4') return JA4.test(lower) ? lower : undefined
  return lower.length === HEX_LENGTH[kind] && HEX.test(lower) ? lower : undefined
}

/** Lower case, as DNS carries it (IDNA), without the dot of the root. */
function domainOf(value: string): string | undefined {
  const bare = value.endsWith('.') ? value.slice(0, -1) : value
  const plain = bare.toLowerCase()
  if (plain.length > 253 || plain === '' || IPV4_LIKE.test(plain)) return undefined
  if (LABELS.test(plain)) return plain
  // Wide letters cost a conversion that plain names need not pay.
  if (!BEYOND_ASCII.test(plain) || plain.includes('\ufffd')) return undefined
  const ascii = domainToASCII(plain)
  return ascii.length <= 253 && LABELS.test(ascii) ? ascii : undefined
}

/** As the WHATWG parser writes it, without what comes after # and without a password. */
function urlOf(value: string): string | undefined {
  if (value.length > MOST_URL_CHARACTERS || value.includes('\ufffd') || !URL.canParse(value)) return undefined
  const url = new URL(value)
  if (!/^(https?|ftp):$/.test(url.protocol) || url.hostname === '') return undefined
  url.hash = ''
  url.username = ''
  url.password = ''
  return url.href
}
