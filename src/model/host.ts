import type { Ip } from './address.ts'

/**
 * Hosts as dense numbers. A detector keeps its per-host state in typed-array columns of
 * `capacity` entries indexed by host id. An id is used again after `hostForgotten`.
 */
export interface Hosts {
  readonly capacity: number
  readonly count: number
  /** New hosts that found the table full. */
  readonly refused: number
  /** Canonical text: for reports only, it allocates. */
  address(host: number): Ip
  /** 32-bit word 0..3 of the address in network order; an IPv4 address is word 0. */
  word(host: number, index: number): number
  isIpv6(host: number): boolean
  /** Flows in the table that it opened or answers. */
  flowCount(host: number): number
  /** True for multicast and broadcast addresses. */
  isGroup(host: number): boolean
}
