import type { PointerName } from '#contract/pointer.ts'
import type { Actor } from './actor.ts'

/** Asks reverse DNS for the name of a host: this leaves the machine, and is in the egress ledger before. */
export interface PointerPort {
  ask(address: string, actor: Actor): Promise<PointerName>
}
