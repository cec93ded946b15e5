/**
 * How bytes are counted. `messages`: what programs hand to their sockets and take from them, without headers; a packet is
 * then a message. `packets`: of each packet of each socket, IP headers included, as netfilter counts them. `sockets`: what the kernel's TCP sockets say of themselves, data without headers, and UDP not at all.
 */
export const BYTES_SOURCES = ['messages', 'packets', 'sockets'] as const

/** The index in the list is the code in the store. */
export type BytesSource = (typeof BYTES_SOURCES)[number]

/** What one program sent and received since counting began, or over a period. */
export interface ProgramBytes {
  /** As in summaries: its path, `[name]` where that is not known, `''` for what nobody could be found for. */
  readonly program: string
  readonly sentBytes: number
  readonly sentPackets: number
  readonly receivedBytes: number
  readonly receivedPackets: number
  /** Bytes a second, over the last seconds; of a period on average. */
  readonly sendRate: number
  readonly receiveRate: number
}

export type ProgramCounts = Omit<ProgramBytes, 'sendRate' | 'receiveRate'>

/** What was counted since it was taken last. */
export interface TakenBytes {
  readonly source: BytesSource
  readonly seconds: number
  readonly programs: readonly ProgramCounts[]
}

/** All that was counted within one minute so far: writing it again changes nothing. */
export interface CountedMinute extends TakenBytes {
  /** Tells apart who counted: the same minute of another run is another. */
  readonly run: number
  /** When the minute began, milliseconds since the epoch. */
  readonly at: number
}

/** What was counted over a period, of all runs together. */
export interface CountedPeriod {
  /** Most bytes first. */
  readonly programs: readonly ProgramCounts[]
  /** Of all programs. */
  readonly total: number
  /** Where the first minute or hour of it begins. */
  readonly since: number
  readonly until: number
  /** How long of it was counted. */
  readonly seconds: number
  /** The ways in which it was counted; none: not at all. */
  readonly sources: readonly BytesSource[]
}

export interface ProgramBytesReport {
  readonly source: BytesSource
  /** Of a period in which the way changed: the others. */
  readonly otherSources?: readonly BytesSource[]
  /** How long has been counted. */
  readonly seconds: number
  /** Most bytes first. */
  readonly programs: readonly ProgramBytes[]
}
