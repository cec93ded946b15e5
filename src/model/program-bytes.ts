/** What one program sent and received since counting began. Bytes are of IP: headers included, as netfilter counts them. */
export interface ProgramBytes {
  /** As in summaries: its path, `[name]` where that is not known, `''` for what nobody could be found for. */
  readonly program: string
  readonly sentBytes: number
  readonly sentPackets: number
  readonly receivedBytes: number
  readonly receivedPackets: number
  /** Bytes a second, over the last seconds. */
  readonly sendRate: number
  readonly receiveRate: number
}

export interface ProgramBytesReport {
  /** How long has been counted. */
  readonly seconds: number
  /** Most bytes first. */
  readonly programs: readonly ProgramBytes[]
}
