import type { AddressSpans } from './rule.ts'

export interface Country {
  /** ISO 3166-1 alpha-2: `DE`. */
  readonly code: string
  /** In English, as Unicode CLDR has it. */
  readonly name: string
}

/** An autonomous system: a network that routes by itself. */
export interface Network {
  readonly number: number
  readonly name: string
}

/** Where an address is and whose it is, as far as local data knows. */
export interface Place {
  readonly country?: Country
  readonly asn?: Network
  readonly city?: string
  /** What the address is reserved for (IANA special-purpose registries): `private`, `loopback`, `documentation` … */
  readonly special?: string
}

/** Which addresses are where: countries and networks the other way round. The same object for the same question. */
export interface PlaceSpans {
  /** ISO 3166-1 codes of which addresses are known. */
  readonly countries: readonly string[]
  /** Undefined for a code that is not among `countries`. */
  country(code: string): AddressSpans | undefined
  /** Undefined for a network of which no address is known. */
  network(number: number): AddressSpans | undefined
  /** All addresses that have a country, and all that have a network. */
  readonly withCountry: AddressSpans
  readonly withNetwork: AddressSpans
}
