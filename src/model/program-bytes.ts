/**
 * How bytes are counted. `messages`: what programs hand to their sockets and take from them, without headers; a packet is
 * then a message. `packets`: of each packet of each socket, IP headers included, as netfilter counts them. `sockets`: what the kernel's TCP sockets say of themselves, data without headers, and UDP not at all.
 */
export type BytesSource = 'messages' | 'packets' | 'sockets'

/** What one program sent and received since counting began. */
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
  readonly source: BytesSource
  /** How long has been counted. */
  readonly seconds: number
  /** Most bytes first. */
  readonly programs: readonly ProgramBytes[]
}
