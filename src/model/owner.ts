/** Where the knowledge of an owner comes from, best first. */
export type OwnerSource = 'ebpf' | 'netlink' | 'scan' | 'guess' | 'kernel'

/** The program behind a flow. What could not be read is absent, and `path` then says so. */
export interface Owner {
  readonly pid: number
  /** Executable path, or `unreadable` with the reason in `unreadableBecause`. */
  readonly path: string
  readonly unreadableBecause?: string
  /** Short name for lists: the last part of the path, or the kernel's comm. */
  readonly name: string
  readonly commandLine: string
  readonly uid: number
  readonly user?: string
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
