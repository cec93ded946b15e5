import type { Ip } from './address.ts'

/** Packets to be kept in a file: of one address, whichever way they go. */
export interface RecordingOrder {
  readonly id: number
  readonly address: Ip
  readonly packets: number
}

/** What was kept, when there were enough packets or the time was over. The bytes are a pcapng file. */
export interface RecordedPackets {
  readonly id: number
  readonly packets: number
  readonly bytes: Uint8Array<ArrayBuffer>
}
