import type { Indicator, IndicatorKind } from '#model/indicator.ts'
import { type Fields, type ItemFormat, known, textIn, timeOf } from './format.ts'

/** Object paths of STIX 2.1 patterns (§9) that stand for something we match. */
const KINDS: Readonly<Record<string, IndicatorKind>> = {
  'ipv4-addr:value': 'target',
  'ipv6-addr:value': 'target',
  'domain-name:value': 'domain',
  'url:value': 'url',
  "file:hashes.'SHA-256'": 'sha256',
  "file:hashes.'SHA-1'": 'sha1',
  'file:hashes.MD5': 'md5',
}

const COMPARISON =
  /^\s*([a-z0-9-]+:[A-Za-z0-9_.'-]+)\s*(=|ISSUBSET|IN)\s*(\(\s*'(?:[^'\\]|\\.)*'(?:\s*,\s*'(?:[^'\\]|\\.)*')*\s*\)|'(?:[^'\\]|\\.)*')\s*$/
const STRING = /'((?:[^'\\]|\\.)*)'/g

/** Values of a pattern of comparisons joined by OR; undefined for any other: half of an AND means nothing alone. */
function valuesOf(pattern: string): { readonly kind: IndicatorKind; readonly value: string }[] | undefined {
  if (
    pattern.length > 16_384 ||
    /\b(?:AND|FOLLOWEDBY|NOT|WITHIN|REPEATS|START|STOP)\b/.test(outsideStrings(pattern))
  )
    return undefined
  const comparisons = splitAtOr(pattern.trim().replace(/^\(?\[|\]\)?$/g, ''))
  const found = comparisons.map((comparison) => {
    const [, path = '', , values = ''] = COMPARISON.exec(comparison) ?? []
    const kind =
      KINDS[path.replace(/hashes\.'MD5'/, 'hashes.MD5').replace(/hashes\.(SHA-\d+)$/, "hashes.'$1'")]
    if (kind === undefined) return undefined
    return [...values.matchAll(STRING)].map(([, value = '']) => ({
      kind,
      value: value.replace(/\\(.)/g, '$1'),
    }))
  })
  const known = found.flatMap((one) => one ?? [])
  return known.length > 0 ? known : undefined
}

const outsideStrings = (pattern: string): string => pattern.replace(STRING, "''")

/** Strings may hold the word OR: they are set aside first. */
function splitAtOr(pattern: string): string[] {
  const strings: string[] = []
  const bare = pattern.replace(STRING, (string) => `\u0000${strings.push(string) - 1}\u0000`)
  const parts = bare.split(/\]?\s+OR\s+\[?/)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it marks a string that was set aside two lines above.
  return parts.map((part) => part.replace(/\u0000(\d+)\u0000/g, (_, at) => strings[Number(at)] ?? ''))
}

/** A STIX 2.1 bundle; the envelope of TAXII 2.1 (§3.7) has its objects in the same place. */
export const stix: ItemFormat = {
  shape: 'items',
  isItem: (path) => path.length === 2 && path[0] === 'objects' && path[1] === '[]',
  open: (sink) => (item) => {
    if (item['type'] !== 'indicator' || item['revoked'] === true) return sink.pass()
    const pattern = textIn(item, 'pattern')
    if (pattern === undefined) return sink.misfit()
    const found = (item['pattern_type'] ?? 'stix') === 'stix' ? valuesOf(pattern) : undefined
    if (found === undefined) return sink.pass()
    const said = saidOf(item)
    for (const { kind, value } of found) sink.take({ kind, value, ...said })
  },
}

function saidOf(item: Fields): Omit<Indicator, 'kind' | 'value'> {
  const { confidence } = item
  return known({
    since: timeOf(item['valid_from']),
    until: timeOf(item['valid_until']),
    confidence: typeof confidence === 'number' ? confidence : undefined,
    reason: textIn(item, 'name') ?? textIn(item, 'description'),
  })
}
