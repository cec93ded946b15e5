import { readFileSync, readlinkSync, statSync } from 'node:fs'
import { ProgramRefused } from '#kernel/bpf/bpf.ts'
import { BtfError } from '#kernel/bpf/btf.ts'
import { ByteCounters } from '#kernel/bpf/byte-counters.ts'
import { SocketWatch } from '#kernel/bpf/socket-watch.ts'
import { capabilities } from '#kernel/capabilities.ts'
import { KernelError } from '#kernel/libc.ts'
import { ProcFds } from '#kernel/proc-fds.ts'
import type { SocketDiag } from '#kernel/sock-diag.ts'
import { takenSoFar } from '#kernel/tcp-bytes.ts'
import { ContainerNames } from '../programs/container-names.ts'
import { EbpfOwners } from './ebpf-owners.ts'
import { HeldOwners } from './held-owners.ts'
import { NetlinkOwners } from './netlink-owners.ts'
import { OwnerMaker } from './owner-maker.ts'
import type { OwnerSource } from './owner-source.ts'
import { ProcScan } from './proc-scan.ts'
import { Processes } from './process.ts'
import { ProcessBook } from './process-book.ts'
import type { OwnersSettings } from './settings.ts'
import { Users } from './users.ts'

/** Why a better source is not there, and what helps. */
export interface Missing {
  readonly reason: string
  readonly remedy: string
}

/** What the thread works with. `watch` becomes readable when events should be taken soon. */
export interface OpenedSources {
  /** Best first. */
  readonly sources: readonly OwnerSource[]
  readonly ebpf?: Ebpf
  readonly held?: HeldOwners
  readonly missing?: Missing
}

/** The PID namespace that sees every process (PROC_PID_INIT_INO, linux/proc_ns.h). */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]'

interface Ebpf {
  readonly owners: EbpfOwners
  readonly fd: number
  /** Absent when the kernel counts no bytes for us. */
  readonly counters?: ByteCounters
}

interface Common {
  readonly users: Users
  readonly names: ContainerNames
  readonly processes: Processes
  readonly diag: SocketDiag
  readonly clock: () => number
  /** Told when the health of a source has changed by itself. */
  readonly changed: () => void
  readonly countBytes: OwnersSettings['countBytes']
}

/**
 * Opens the best there is: eBPF, else a queue for first packets, else the proc connector, and behind each /proc for what
 * was open before.
 */
export function openSources(
  wanted: ReadonlySet<OwnerSource['name']>,
  given: Pick<Common, 'diag' | 'clock' | 'changed' | 'countBytes'>,
): OpenedSources {
  const common = { users: new Users(), names: new ContainerNames(), processes: new Processes(), ...given }
  const scan = new ProcScan(common.processes, common.users, common.names)
  const ebpf = wanted.has('ebpf') ? openEbpf(common) : undefined
  if (ebpf && 'owners' in ebpf) return { sources: [ebpf.owners, scan], ebpf }
  const netlink = (): OwnerSource | undefined => (wanted.has('netlink') ? openNetlink(common) : undefined)
  const missing = ebpf && { missing: ebpf }
  if (wanted.has('queue') && capabilities().netAdmin) {
    const held = new HeldOwners({ ...common, maker: netlinkMaker(common), instead: netlink })
    return { sources: [held, scan], held, ...missing }
  }
  const polling = netlink()
  return { sources: polling ? [polling, scan] : [scan], ...missing }
}

const netlinkMaker = ({ users, names, processes }: Common): OwnerMaker =>
  new OwnerMaker({
    source: 'netlink',
    users,
    names,
    processOf: (pid, now) => processes.describe(pid, now),
  })

function openNetlink(common: Common): OwnerSource | undefined {
  const { processes, diag, clock } = common
  const maker = netlinkMaker(common)
  try {
    return new NetlinkOwners({ processes, fds: new ProcFds(), diag, maker, clock })
  } catch (refused) {
    if (refused instanceof KernelError) return undefined
    throw refused
  }
}

function openEbpf({ users, names, processes, clock, countBytes }: Common): Ebpf | Missing {
  const unable = whyNoEbpf()
  if (unable) return unable
  try {
    const watch = new SocketWatch()
    const book = new ProcessBook({
      processes,
      cgroupPath: (id) => watch.cgroups.pathOf(id),
      hasOldCgroups: / - cgroup /.test(readFileSync('/proc/thread-self/mountinfo', 'utf8')),
    })
    const maker = new OwnerMaker({
      source: 'ebpf',
      users,
      names,
      processOf: (pid, at) => book.describe(pid, at),
    })
    book.seed(new ProcFds().pids(), clock())
    const netns = statSync('/proc/thread-self/ns/net').ino
    const counters = openCounters(countBytes)
    return {
      owners: new EbpfOwners({ watch, book, maker, netns }),
      fd: watch.fd,
      ...(counters && { counters }),
    }
  } catch (refused) {
    return missingOf(refused)
  }
}

/** Owners are worth having without them. */
function openCounters(counts: OwnersSettings['countBytes']): ByteCounters | undefined {
  try {
    return new ByteCounters({ counts, before: takenSoFar() })
  } catch (refused) {
    const isKernels =
      refused instanceof ProgramRefused || refused instanceof KernelError || refused instanceof BtfError
    if (!isKernels) throw refused
    return counts === 'messages' ? openCounters('packets') : undefined
  }
}

function whyNoEbpf(): Missing | undefined {
  const { bpf, perfmon, netAdmin, sysAdmin } = capabilities()
  if (!sysAdmin && !(bpf && perfmon && netAdmin)) {
    return {
      reason: 'eBPF is not permitted',
      remedy: 'run Gatehouse as root, or give it CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN',
    }
  }
  // eBPF tells pids as the whole machine counts them: here they would name others.
  if (readlinkSync('/proc/self/ns/pid') === FIRST_PID_NAMESPACE) return undefined
  return {
    reason: 'eBPF is of no use within a container',
    remedy: 'run Gatehouse on the host, or with --pid=host',
  }
}

function missingOf(refused: unknown): Missing {
  if (refused instanceof BtfError) {
    return {
      reason: `eBPF is off: ${refused.message}`,
      remedy: 'use a kernel with CONFIG_DEBUG_INFO_BTF, as all distributions have',
    }
  }
  if (refused instanceof ProgramRefused) {
    return {
      reason: `eBPF is off: ${refused.message}`,
      remedy: 'use a newer kernel (5.15 or later), or report this line',
    }
  }
  if (refused instanceof KernelError) {
    return {
      reason: `eBPF is off: ${refused.message} (${refused.code})`,
      remedy: 'use a kernel with CONFIG_CGROUP_BPF, 5.15 or later',
    }
  }
  throw refused
}
