import type { Target } from '#model/address.ts'
import type { PartHealth } from '#model/health.ts'

/** What a block carries into the kernel, so that a later run can adopt it with its reason. */
export interface EnforcedBlock {
  readonly target: Target
  /** Absent: nothing gets through. `limit`: few packets a second do; of single addresses only. */
  readonly effect?: 'limit'
  /** Milliseconds since the epoch; absent: no end. */
  readonly until?: number
  /** Short text kept with the element: at most 120 bytes. */
  readonly note: string
}

export interface DropCount {
  readonly packets: number
  readonly bytes: number
}

/** Makes blocks so. Never throws because the kernel refuses: it answers, and `health` says why. */
export interface Enforcer {
  /** Puts the table in place and answers what the kernel still holds from an earlier run. */
  start(): Promise<readonly EnforcedBlock[]>
  /**
   * Blocks, or changes the end of a block. Returns at once, with the element in the kernel.
   * `false`: the kernel refused; the block is remembered and put in place when that is possible again.
   */
  block(block: EnforcedBlock, now: number): boolean
  /** The same for many at once; `false` when any of them was refused. */
  blockMany(blocks: readonly EnforcedBlock[], now: number): boolean
  /** `false`: the kernel refused; the removal is remembered. */
  unblock(target: Target): boolean
  /** Destroys the live sockets of a target; answers how many. `mayClose` is asked once there are some. */
  closeSockets(target: Target, mayClose?: () => boolean): number
  /** Packets and bytes turned away, by target: of all that the kernel holds, as the last `verify` read them. */
  counters(): ReadonlyMap<Target, DropCount>
  /** Answers of closed ports that the kernel held back since the start, as the last `verify` read them. */
  readonly brakedRefusals: number
  /** Looks whether the kernel still has what we asked for, and repairs it. Called once a second. */
  verify(now: number): Promise<PartHealth>
  readonly health: PartHealth
  /** `keep`: the blocks stay in force without us; else the table is removed. */
  stop(keep: boolean): Promise<void>
}
