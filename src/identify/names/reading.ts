/** What the first bytes of a stream tell of a name: it is there, there is none, or more bytes have to come. */
export type Reading =
  | { readonly state: 'found'; readonly name: string }
  | { readonly state: 'none' }
  | { readonly state: 'more' }

export const NO_NAME: Reading = { state: 'none' }
export const MORE: Reading = { state: 'more' }
