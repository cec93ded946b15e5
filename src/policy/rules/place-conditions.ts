import { nearestWord } from '#lib/nearest-word.ts'
import type { PlaceSpans } from '#model/place.ts'
import type { AddressSpans, RuleEnd } from '#model/rule.ts'
import { joinSpans, spansIn } from './address-spans.ts'
import { complete, type Read, type Word } from './condition-words.ts'
import type { RuleReader } from './rule-reader.ts'

const ISO_CODE = /^[A-Za-z]{2}$/
/** What people write for a country that ISO 3166-1 calls otherwise. */
const OTHER_CODES: Readonly<Record<string, string>> = { UK: 'GB', EL: 'GR', EN: 'GB' }
const MAX_ASN = 2 ** 32 - 1

/** Where an address is: of the other end, or of the end that the key names. */
export const PLACE_READERS: Readonly<Record<string, Read>> = {
  country: countries('peer'),
  fromCountry: countries('source'),
  toCountry: countries('target'),
  asn: networks('peer'),
  fromAsn: networks('source'),
  toAsn: networks('target'),
}

function countries(end: RuleEnd): Read {
  return (reader, words, path) => {
    const { places } = reader.world
    if (!places) return withoutPlaces(reader, path)
    return complete(
      words,
      (word) => codeOf(reader, word, places),
      (codes) => ({
        kind: 'country',
        end,
        known: places.withCountry,
        spans: together(places, 'country', codes, (code) => places.country(code)),
      }),
    )
  }
}

function networks(end: RuleEnd): Read {
  return (reader, words, path) => {
    const { places } = reader.world
    if (!places) return withoutPlaces(reader, path)
    return complete(
      words,
      (word) => networkOf(reader, word, places),
      (numbers) => ({
        kind: 'asn',
        end,
        known: places.withNetwork,
        spans: together(places, 'asn', numbers, (number) => places.network(number)),
      }),
    )
  }
}

const withoutPlaces = (reader: RuleReader, path: readonly (string | number)[]): undefined =>
  reader.wrong(
    path,
    'there is no data about countries and networks, so this cannot be enforced',
    'Run this once in the folder of Gatehouse, then start it again: npm run places',
  )

function codeOf(reader: RuleReader, { value, path }: Word, places: PlaceSpans): string | undefined {
  const text = String(value)
  const code = text.toUpperCase()
  if (ISO_CODE.test(text) && places.country(code)) return code
  const meant = OTHER_CODES[code] ?? codeOfName(text, places)
  const hint = meant
    ? `Did you mean ${meant}, ${nameOf(meant)}?`
    : 'Use a code of ISO 3166-1, such as DE or US.'
  return reader.unexpected(path, 'the code of a country', value, hint)
}

const names = new Intl.DisplayNames(['en'], { type: 'region' })
const nameOf = (code: string): string => names.of(code) ?? code

/** Who writes a name, or almost one, means its code. */
function codeOfName(text: string, { countries: codes }: PlaceSpans): string | undefined {
  if (text.length < 4) return undefined
  const meant = nearestWord(text, codes.map(nameOf))
  return codes.find((code) => nameOf(code) === meant)
}

/** A number of which no address is known is believed, but told. */
function networkOf(reader: RuleReader, { value, path }: Word, places: PlaceSpans): number | undefined {
  const [, digits] = /^(?:AS)?(\d{1,10})$/i.exec(String(value)) ?? []
  const number = Number(digits)
  if (digits === undefined || number < 1 || number > MAX_ASN)
    return reader.unexpected(path, 'the number of a network', value, 'Write it like 64500 or AS64500.')
  if (!places.network(number))
    reader.doubt(path, `no address of AS${number} is known`, 'Look whether the number is right.')
  return number
}

/** What was put together of the spans of one source of places. Rules that ask for the same share one set. */
const shared = new WeakMap<PlaceSpans, Map<string, AddressSpans>>()
const NOTHING: AddressSpans = { v4: new Uint32Array(), v6: [] }

// The values and how each is looked up belong together, but not to the source.
function together<Value extends string | number>(
  places: PlaceSpans,
  kind: 'country' | 'asn',
  values: readonly Value[],
  spansOf: (value: Value) => AddressSpans | undefined,
): AddressSpans {
  const distinct = [...new Set(values)].sort()
  const [only] = distinct
  if (distinct.length === 1 && only !== undefined) return spansOf(only) ?? NOTHING
  const memory = shared.get(places) ?? new Map<string, AddressSpans>()
  shared.set(places, memory)
  const key = `${kind} ${distinct.join(' ')}`
  const known = memory.get(key)
  if (known) return known
  const spans = joinSpans(distinct.flatMap((value) => spansIn(spansOf(value) ?? NOTHING)))
  if (memory.size < MAX_SHARED) memory.set(key, spans)
  return spans
}

const MAX_SHARED = 256
