import type { IndicatorKind } from '#model/indicator.ts'
import { type Fields, type ItemFormat, known, textIn, timeOf } from './format.ts'

/** MISP attribute types; of a composite type the part that is an indicator. */
const KINDS: Readonly<Record<string, readonly [kind: IndicatorKind, part: number]>> = {
  'ip-src': ['target', 0],
  'ip-dst': ['target', 0],
  'ip-src|port': ['target', 0],
  'ip-dst|port': ['target', 0],
  domain: ['domain', 0],
  hostname: ['domain', 0],
  'hostname|port': ['domain', 0],
  'domain|ip': ['domain', 0],
  url: ['url', 0],
  sha256: ['sha256', 0],
  sha1: ['sha1', 0],
  md5: ['md5', 0],
  'filename|sha256': ['sha256', 1],
  'filename|sha1': ['sha1', 1],
  'filename|md5': ['md5', 1],
  'ja3-fingerprint-md5': ['ja3', 0],
}

/** Events, alone or many, with their attributes and those of their objects. Only what is meant for detection counts. */
export const misp: ItemFormat = {
  shape: 'items',
  isItem: (path) => path.at(-1) === '[]' && path.at(-2) === 'Attribute',
  open: (sink) => (item: Fields) => {
    const [type, value] = [textIn(item, 'type'), textIn(item, 'value')]
    if (type === undefined || value === undefined) return sink.misfit()
    const [kind, part] = KINDS[type] ?? []
    if (kind === undefined || !isTrue(item['to_ids']) || isTrue(item['deleted'])) return sink.pass()
    sink.take({
      kind,
      value: partOf(type, value, part ?? 0),
      ...known({
        since: timeOf(item['first_seen']) ?? timeOf(item['timestamp']),
        reason: textIn(item, 'comment') ?? textIn(item, 'category'),
      }),
    })
  },
}

/** A composite type has its values joined as its names are. */
const partOf = (type: string, value: string, part: number): string =>
  type.includes('|') ? (value.split('|')[part] ?? '') : value

/** Older servers write booleans as text or number. */
const isTrue = (value: unknown): boolean => value === true || value === 1 || value === '1'
