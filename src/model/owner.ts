/** Where the knowledge of an owner comes from, best first. */
export type OwnerSource = 'ebpf' | 'netlink' | 'scan' | 'guess' | 'kernel'

/** The program behind a flow. What could not be read is absent, and `path` then says so. */
export interface Owner {
  /** 0 for the kernel itself, and where no process that we may see holds the socket. */
  readonly pid: number
  /** Executable path, or `unreadable` with the reason in `unreadableBecause`. */
  readonly path: string
  readonly unreadableBecause?: string
  /** True when the executable was removed or replaced after the program started. */
  readonly executableGone?: boolean
  /** Short name for lists: the last part of the path, or the kernel's comm. */
  readonly name: string
  readonly commandLine: string
  readonly uid: number
  readonly user?: string
  readonly parentPid?: number
  /** When the process started, milliseconds since the epoch: with the pid it names one process for good. */
  readonly startedAt?: number
  readonly source: OwnerSource
}

/** The five numbers by which a socket is found; addresses in canonical text. */
export interface SocketKey {
  readonly protocol: number
  readonly localAddress: string
  readonly localPort: number
  readonly peerAddress: string
  readonly peerPort: number
}
