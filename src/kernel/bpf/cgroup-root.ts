import { readFileSync, readlinkSync } from 'node:fs'
import koffi from 'koffi'
import { closeFd, KernelError } from '../libc.ts'

const libc = koffi.load('libc.so.6')
const cOpen = libc.func('int open(const char *path, int flags)')
const cOpenByHandle = libc.func('int open_by_handle_at(int mount, const void *handle, int flags)')
const cSyscall = libc.func('long syscall(long number, long a, long b, long c, long d, long e)')
const cSyscallText = libc.func('long syscall(long number, const char *a, long b)')

/** The same numbers on x86-64 and arm64. */
const SYS = { fsopen: 430, fsconfig: 431, fsmount: 432 } as const
const FSCONFIG_CMD_CREATE = 6
const CLOEXEC = 1
const O_DIRECTORY_CLOEXEC = 0o200000 | 0o2000000
const O_PATH_CLOEXEC = 0o10000000 | 0o2000000
/** A kernfs handle is the id of the cgroup alone (enum fid_type in linux/exportfs.h). */
const FILEID_KERNFS = 0xfe
const MAX_PATHS = 4_096

/** The root of the control groups (v2) that this process sees: where programs attach, and what ids mean. */
export class CgroupRoot {
  readonly fd: number
  readonly #mountPath: string
  readonly #paths = new Map<number, string>()

  /** Throws KernelError where there are no v2 control groups. */
  constructor() {
    this.fd = openMounted() ?? openDetached()
    this.#mountPath = readlinkSync(`/proc/self/fd/${this.fd}`)
  }

  /** Path of a cgroup below the root, such as `/system.slice/ssh.service`; undefined when it is gone. */
  pathOf(id: number): string | undefined {
    const known = this.#paths.get(id)
    if (known !== undefined) return known
    const path = this.#read(id)
    if (path === undefined) return undefined
    if (this.#paths.size >= MAX_PATHS) this.#paths.clear()
    this.#paths.set(id, path)
    return path
  }

  close(): void {
    closeFd(this.fd)
  }

  #read(id: number): string | undefined {
    const handle = new Uint8Array(16)
    const view = new DataView(handle.buffer)
    view.setUint32(0, 8, true)
    view.setInt32(4, FILEID_KERNFS, true)
    view.setBigUint64(8, BigInt(id), true)
    const fd = cOpenByHandle(this.fd, handle, O_PATH_CLOEXEC) as number
    if (fd < 0) return undefined
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      if (path.endsWith(' (deleted)')) return undefined
      const isBelow = this.#mountPath !== '/' && path.startsWith(this.#mountPath)
      return (isBelow ? path.slice(this.#mountPath.length) : path) || '/'
    } finally {
      closeFd(fd)
    }
  }
}

/** Where a cgroup2 file system is mounted, of a /proc/PID/mountinfo text (proc_pid_mountinfo(5)). */
export function parseCgroupMount(mountInfo: string): string | undefined {
  for (const line of mountInfo.split('\n')) {
    const [place = '', kind = ''] = line.split(' - ')
    if (kind.startsWith('cgroup2 ')) return unescaped(place.split(' ')[4] ?? '') || undefined
  }
  return undefined
}

/** Spaces and their like are octal in mountinfo. */
const unescaped = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

function openMounted(): number | undefined {
  const path = parseCgroupMount(readFileSync('/proc/thread-self/mountinfo', 'utf8'))
  const fd = path === undefined ? -1 : (cOpen(path, O_DIRECTORY_CLOEXEC) as number)
  return fd < 0 ? undefined : fd
}

/** Not mounted where we see it (`ip netns exec` hides it): a mount without a place, for us alone. */
function openDetached(): number {
  const context = cSyscallText(SYS.fsopen, 'cgroup2', CLOEXEC) as number
  if (context < 0) throw new KernelError('cgroup2', koffi.errno())
  try {
    const made = cSyscall(SYS.fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0) as number
    if (made < 0) throw new KernelError('cgroup2', koffi.errno())
    const mount = cSyscall(SYS.fsmount, context, CLOEXEC, 0, 0, 0) as number
    if (mount < 0) throw new KernelError('cgroup2', koffi.errno())
    return mount
  } finally {
    closeFd(context)
  }
}
