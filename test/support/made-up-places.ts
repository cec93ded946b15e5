import type { PlaceSpans } from '#model/place.ts'
import type { AddressSpans } from '#model/rule.ts'
import { type AddressSpan, joinSpans, parseAddressSpan } from '#policy/rules/address-spans.ts'

/** Places that nobody has in truth: code or number → addresses. */
export function madeUpPlaces(
  countries: Readonly<Record<string, readonly string[]>>,
  networks: Readonly<Record<number, readonly string[]>> = {},
): PlaceSpans {
  const country = new Map(Object.entries(countries).map(([code, texts]) => [code, spansOf(texts)]))
  const network = new Map(Object.entries(networks).map(([number, texts]) => [Number(number), spansOf(texts)]))
  return {
    countries: [...country.keys()],
    country: (code) => country.get(code),
    network: (number) => network.get(number),
    withCountry: spansOf(Object.values(countries).flat()),
    withNetwork: spansOf(Object.values(networks).flat()),
  }
}

const spansOf = (texts: readonly string[]): AddressSpans => joinSpans(texts.map(spanOf))

function spanOf(text: string): AddressSpan {
  const span = parseAddressSpan(text)
  if (!span) throw new Error(`${text} is no address`)
  return span
}
