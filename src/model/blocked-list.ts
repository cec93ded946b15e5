/** Addresses and ranges of one family, by start and then from wide to narrow; two are apart, or one lies in the other. */
export interface ListedRows {
  /** One column per 32-bit word of the network address. */
  readonly starts: readonly Uint32Array[]
  /** Length of the prefix. */
  readonly bits: Uint8Array
  /** The row around each row, plus 1; 0: none. Absent when no row lies in another. */
  readonly parents?: Uint32Array
  /** `until`: seconds since the epoch; 0: without an end. */
  readonly facts: { readonly until?: Uint32Array }
}

/** A threat list whose addresses the kernel turns away. Another version comes as another object. */
export interface BlockedList {
  readonly id: string
  readonly rows: { readonly ipv4: ListedRows; readonly ipv6: ListedRows }
}
