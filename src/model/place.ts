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
