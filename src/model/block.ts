import type { Target } from './address.ts'

export type BlockOrigin = 'detector' | 'person' | 'kernel' | 'feed'

/** One address or range that the kernel turns away. */
export interface Block {
  readonly target: Target
  /** Absent: nothing gets through. `limit`: few packets a second do. */
  readonly effect?: 'limit'
  /** `kernel`: found in the kernel set at start, by an earlier run. */
  readonly origin: BlockOrigin
  /** Detector id, `list` with the id of a threat list, or the name of the person. */
  readonly actor: string
  readonly reason: string
  readonly since: number
  /** Absent: until somebody unblocks it. */
  readonly until?: number
  /** The alert behind it, if a detector asked for it. */
  readonly alertId?: number
  readonly decisionId: number
}

/** A block with what the kernel counted: it shows whether the block bites. */
export interface CountedBlock extends Block {
  readonly droppedPackets: number
  readonly droppedBytes: number
  /** When the counter last rose. */
  readonly lastDropAt?: number
  /** False while the kernel does not hold it: degraded, or about to be put back. */
  readonly enforced: boolean
}
