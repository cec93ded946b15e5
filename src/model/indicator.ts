/** What an indicator names: an address or range, a domain with all below it, a URL, a file, or how TLS was spoken. */
export type IndicatorKind = 'target' | 'domain' | 'url' | 'sha256' | 'sha1' | 'md5' | 'ja3' | 'ja4'

/** What one list says about one thing. Times are milliseconds since the epoch. */
export interface Indicator {
  readonly kind: IndicatorKind
  /** As it stands in the list; whoever keeps it brings it into one form. */
  readonly value: string
  /** When the list says that it was first seen. */
  readonly since?: number
  /** From then on it means nothing. */
  readonly until?: number
  /** 0 to 100; absent: as sure as the list is as a whole. */
  readonly confidence?: number
  readonly reason?: string
}

/** A list holds what was looked up, and why. */
export interface Listing {
  /** Id of the list. */
  readonly list: string
  /** The entry that matched: the address or a range around it, the domain or one above it. */
  readonly matched: string
  /** When the list first named it, milliseconds since the epoch. */
  readonly since: number
  readonly until?: number
  /** 0 to 100; absent: as sure as the list is as a whole. */
  readonly confidence?: number
  readonly reason?: string
}

/** What a list is about, which says how bad it is to be on it. */
export type ListCategory =
  | 'command-and-control'
  | 'malware'
  | 'hijacked'
  | 'attacks'
  | 'anonymity'
  | 'tracking'
  | 'own'
