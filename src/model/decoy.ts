import type { Ip } from './address.ts'

/**
 * How a decoy's SYN-ACK is known again, on the wire and in a capture: no TCP options, which every real stack sends, and
 * this window.
 */
export const DECOY_WINDOW = 1_031

/** What a decoy answers, and how much of it. */
export interface DecoyOrder {
  readonly ports: readonly number[]
  /** Addresses that nobody uses and whose packets reach this machine: every TCP port of them is a decoy. */
  readonly addresses: readonly Ip[]
  /** Port → what it says first. */
  readonly banners: Readonly<Record<number, string>>
  readonly mostPeers: number
  readonly recordBytes: number
}

/** Somebody who made a handshake with a decoy. */
export interface DecoyPeer {
  readonly peer: Ip
  readonly peerPort: number
  readonly address: Ip
  readonly port: number
  readonly since: number
  readonly lastAt: number
  /** `held`: it still thinks that somebody listens. */
  readonly state: 'held' | 'left'
  /** Bytes that it sent, and the first of them as text: what is not printable is written \xNN. */
  readonly bytes: number
  readonly said: string
}

/** What the decoys are doing. */
export interface DecoyStatus {
  readonly ports: readonly number[]
  /** Of these, ports that a program took since: no decoys any more as long as it listens. */
  readonly givenWay: readonly number[]
  readonly addresses: readonly Ip[]
  /** SYNs that were answered, and those beyond the rate that were not. */
  readonly answered: number
  readonly unanswered: number
  /** The last ones, newest first. */
  readonly peers: readonly DecoyPeer[]
}

/** Bytes as text that is safe to show: printable ASCII as it is, all else as \xNN. */
export function escapedBytes(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x5c
    text += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return text
}
