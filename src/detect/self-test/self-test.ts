import type { Net } from './net.ts'

/** What a detector must find, and what it must not: each is played on a network of its own, the same packets each time. */
export interface SelfTest<World = Net> {
  /** Must make the detector speak. */
  fires(world: World): void
  /** Looks alike, and must not. */
  staysSilent(world: World): void
}

/** Addresses of RFC 5737, for self-tests: an attacker far away, and hosts of a house. */
export const ATTACKER = '203.0.113.9'
export const SERVER = '192.0.2.10'
export const CLIENT = '192.0.2.50'
export const ROUTER = '192.0.2.1'

export const ROUTER_MAC = [2, 0, 0, 0, 0, 1] as const
export const ATTACKER_MAC = [2, 0, 0, 0, 0, 66] as const
