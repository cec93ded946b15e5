/** What the first bytes of a flow say besides a name. It is data of strangers. */
export interface FlowNote {
  /** As in FlowRecord.id. */
  readonly flow: number
  /** How its client speaks TLS, in two notations (salesforce/ja3, FoxIO JA4). */
  readonly ja3?: string
  readonly ja4?: string
  /** What it asked for first, without encryption: `http://` with host and path, in visible ASCII. */
  readonly url?: string
}
