export const OWNER_SOURCES = ['ebpf', 'netlink', 'scan', 'guess', 'kernel'] as const

/** Where the knowledge of an owner comes from, best first. */
export type OwnerSource = (typeof OWNER_SOURCES)[number]

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
  /** 0 to 1: how sure it is that this program has the socket. */
  readonly confidence?: number
  /** The systemd unit that it runs in, such as `ssh.service`. */
  readonly unit?: string
  readonly container?: Container
  readonly sandbox?: Sandbox
  /** What an interpreter runs: a file as its command line names it. */
  readonly script?: string
  /** Short names of the processes above it, its parent first; at most eight. */
  readonly parents?: readonly string[]
}

export type ContainerEngine = 'docker' | 'podman' | 'containerd' | 'cri-o' | 'kubernetes' | 'lxc' | 'nspawn'

/** `name` and the pod's own are absent where the engine's files do not say. */
export interface Container {
  readonly engine: ContainerEngine
  /** 64 hexadecimal digits; of lxc and nspawn the name. */
  readonly id: string
  readonly name?: string
  readonly pod?: { readonly uid: string; readonly name?: string; readonly namespace?: string }
}

/** A packaged application that runs apart from the system. */
export interface Sandbox {
  readonly kind: 'snap' | 'flatpak' | 'appimage'
  readonly name: string
}

/** The five numbers by which a socket is found; addresses in canonical text. */
export interface SocketKey {
  readonly protocol: number
  readonly localAddress: string
  readonly localPort: number
  readonly peerAddress: string
  readonly peerPort: number
  /** True when the socket is not of this network namespace: its packets are forwarded here. */
  readonly isForwarded?: boolean
}
