/** Where a hash chain does not fit what it is about. */
export interface ChainBreak {
  /** Of the decision. */
  readonly id: number
  readonly what: 'changed' | 'deleted' | 'inserted' | 'moved' | 'cut'
}

/** What a walk along the hash chain of decisions came to. */
export interface Verification {
  /** Entries that fit; those before a break. */
  readonly checked: number
  /** Of them: what they said is gone with age or for room, their digest is not. */
  readonly removed: number
  /** The first decision that the chain reaches, where there is one. */
  readonly from?: number
  readonly to?: number
  /** The last link, as hex: whoever keeps it elsewhere can prove later that nothing before it was touched. */
  readonly head?: string
  /** Whether the link that was asked for is one of the chain. */
  readonly isKnown?: boolean
  readonly broken?: ChainBreak
}
