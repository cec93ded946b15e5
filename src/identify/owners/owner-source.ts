import type { PartHealth } from '#model/health.ts'
import type { Owner, SocketKey } from '#model/owner.ts'

/** A socket that exists. Sources join by what they know it by: the inode (/proc) or the cookie (eBPF). */
export interface FoundSocket {
  readonly inode: number
  readonly cookie: bigint
  readonly uid: number
  /** `own`: the flow's own socket. `listener`: the flow has none (any more); this one listens at its local end. */
  readonly match: 'own' | 'listener'
}

/**
 * One way to know the program behind a socket. Sources are asked best first; each gets what those before it could
 * not say. All live in the owners thread: they may take milliseconds, never wait.
 */
export interface OwnerSource {
  readonly name: 'ebpf' | 'queue' | 'netlink' | 'scan'
  /** What is known now; cheap. `now` is monotonic, in milliseconds. */
  known(socket: FoundSocket, now: number): Owner | undefined
  /** Looks for the owners of these: walks, drains events, whatever it takes. `known` has the outcome. */
  learn(sockets: readonly FoundSocket[], now: number): void
  /** Takes in what happened meanwhile; cheap. Comes before each batch of questions. */
  catchUp?(now: number): void
  /** The owner of a socket that may be gone: only a source that saw it being opened can say. */
  remembered?(key: SocketKey, now: number): Owner | undefined
  /** Who takes what comes in at the local end of this, where the socket itself is not known. */
  likely?(key: SocketKey, now: number): Owner | undefined
  health(): PartHealth
  close(): void
}
