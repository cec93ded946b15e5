import { readFileSync, readlinkSync, statSync } from 'node:fs'
import { ProgramRefused } from '#kernel/bpf/bpf.ts'
import { BtfError } from '#kernel/bpf/btf.ts'
import { SocketWatch } from '#kernel/bpf/socket-watch.ts'
import { capabilities } from '#kernel/capabilities.ts'
import { KernelError } from '#kernel/libc.ts'
import { ProcFds } from '#kernel/proc-fds.ts'
import { ContainerNames } from '../programs/container-names.ts'
import { EbpfOwners } from './ebpf-owners.ts'
import { OwnerMaker } from './owner-maker.ts'
import type { OwnerSource } from './owner-source.ts'
import { ProcScan } from './proc-scan.ts'
import { Processes } from './process.ts'
import { ProcessBook } from './process-book.ts'
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
  readonly ebpf?: { readonly owners: EbpfOwners; readonly fd: number }
  readonly missing?: Missing
}

/** The PID namespace that sees every process (PROC_PID_INIT_INO, linux/proc_ns.h). */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]'

/** Opens the best there is: eBPF, and behind it /proc for what was open before. */
export function openSources(wanted: ReadonlySet<OwnerSource['name']>, now: number): OpenedSources {
  const [users, names, processes] = [new Users(), new ContainerNames(), new Processes()]
  const scan = new ProcScan(processes, users, names)
  if (!wanted.has('ebpf')) return { sources: [scan] }
  const opened = openEbpf({ users, names, processes }, now)
  if ('reason' in opened) return { sources: [scan], missing: opened }
  return { sources: [opened.owners, scan], ebpf: opened }
}

function openEbpf(
  { users, names, processes }: { users: Users; names: ContainerNames; processes: Processes },
  now: number,
): { readonly owners: EbpfOwners; readonly fd: number } | Missing {
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
    book.seed(new ProcFds().pids(), now)
    const netns = statSync('/proc/thread-self/ns/net').ino
    return { owners: new EbpfOwners({ watch, book, maker, netns }), fd: watch.fd }
  } catch (refused) {
    return missingOf(refused)
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
