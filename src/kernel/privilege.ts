import { readdirSync, readFileSync } from 'node:fs'
import koffi from 'koffi'
import { forbidNewPrivileges, KernelError } from './libc.ts'
import { lookUpUser, type SystemUser } from './passwd.ts'

export { lookUpUser } from './passwd.ts'

const libc = koffi.load('libc.so.6')
const cPrctl = libc.func(
  'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
)
const cCapset = libc.func('int capset(void *header, const void *sets)')
/** Variadic in C; on x86-64 and arm64 integer arguments travel alike. */
const cSyscall = libc.func('long syscall(long number, unsigned long a, unsigned long b, void *c)')

const PR_CAPBSET_READ = 23
const PR_CAPBSET_DROP = 24
const PR_CAP_AMBIENT = 47
const PR_CAP_AMBIENT_CLEAR_ALL = 4
const LINUX_CAPABILITY_VERSION_3 = 0x20080522
const SECCOMP_SET_MODE_FILTER = 1
const SECCOMP_FILTER_FLAG_TSYNC = 1
const SECCOMP_SYSCALL: Readonly<Record<string, number>> = { x64: 317, arm64: 277 }
/** BPF_RET | BPF_K, SECCOMP_RET_ALLOW. */
const ALLOW_EVERYTHING = { code: 0x06, k: 0x7fff0000 } as const

/** Privileges that should be gone are not, or could be had again: the process must not go on. */
class PrivilegeError extends Error {
  readonly hint: string

  constructor(message: string, hint: string) {
    super(message)
    this.name = 'PrivilegeError'
    this.hint = hint
  }
}

/** What is left after `dropPrivileges`. */
export interface DroppedPrivileges {
  readonly uid: number
  readonly gid: number
  /** The user whose rights the process has now; absent when it was not root and stays who it was. */
  readonly user?: SystemUser
  /** Whether no_new_privs holds for every thread, or (kernel without seccomp) for this one and those it starts. */
  readonly noNewPrivileges: 'process' | 'thread'
}

/**
 * Gives up root for good: no group but the user's own, no capability, no way back by exec. Without root
 * the user stays and the rest is done. Main thread only; call it before anything listens.
 * `fallback` is taken when the machine has no such `user`.
 * Throws PrivilegeError when neither user exists or when root could be had again.
 */
export function dropPrivileges(
  options: { readonly user?: string; readonly fallback?: string } = {},
): DroppedPrivileges {
  const user = process.geteuid?.() === 0 ? userToBecome(options) : undefined
  clearBoundingSet()
  cPrctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
  if (user) {
    // These three reach every thread (nptl(7)); from root to a user the kernel clears the capabilities too.
    process.setgroups?.([])
    process.setgid?.(user.gid)
    process.setuid?.(user.uid)
  }
  clearCapabilities()
  forbidNewPrivileges()
  const noNewPrivileges = spreadNoNewPrivileges() ? 'process' : 'thread'
  verifyDropped(user !== undefined)
  return {
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    noNewPrivileges,
    ...(user && { user }),
  }
}

function userToBecome(options: { readonly user?: string; readonly fallback?: string }): SystemUser {
  const { user = 'gatehouse', fallback = 'nobody' } = options
  const found = lookUpUser(user) ?? lookUpUser(fallback)
  if (!found) {
    throw new PrivilegeError(
      `neither user ${user} nor ${fallback} is in /etc/passwd`,
      `add one: useradd --system --no-create-home ${user}`,
    )
  }
  if (found.uid === 0) {
    throw new PrivilegeError(`user ${found.name} has uid 0: that is root`, 'name a user without privileges')
  }
  return found
}

/** Needs CAP_SETPCAP; without it there was nothing to gain from the set by a file capability we would accept. */
function clearBoundingSet(): void {
  for (let bit = 0; cPrctl(PR_CAPBSET_READ, bit, 0, 0, 0) >= 0; bit++) cPrctl(PR_CAPBSET_DROP, bit, 0, 0, 0)
}

function clearCapabilities(): void {
  const header = new DataView(new ArrayBuffer(8))
  header.setUint32(0, LINUX_CAPABILITY_VERSION_3, true)
  const sets = new Uint8Array(24)
  if (cCapset(new Uint8Array(header.buffer), sets) < 0) throw new KernelError('capset', koffi.errno())
}

/**
 * no_new_privs is a mark of one thread, and Node has a dozen before our first line runs. A seccomp filter with
 * TSYNC carries it to all of them (seccomp(2)); the filter itself allows everything.
 */
function spreadNoNewPrivileges(): boolean {
  const number = SECCOMP_SYSCALL[process.arch]
  if (number === undefined) return false
  const filter = new DataView(new ArrayBuffer(8))
  filter.setUint16(0, ALLOW_EVERYTHING.code, true)
  filter.setUint32(4, ALLOW_EVERYTHING.k, true)
  const instruction = new Uint8Array(filter.buffer)
  const program = new DataView(new ArrayBuffer(16))
  program.setUint16(0, 1, true)
  program.setBigUint64(8, BigInt(koffi.address(instruction)), true)
  const set = new Uint8Array(program.buffer)
  return (
    cSyscall(number, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, set) === 0 && instruction.length > 0
  )
}

/**
 * Throws PrivilegeError when any thread kept a right or this process can become root. Group 0 counts only after
 * a drop: some container platforms run every program as an unprivileged user of group 0.
 */
function verifyDropped(wasRoot: boolean): void {
  const hint = 'do not run this process: report it with the kernel version'
  const ways = [() => process.setuid?.(0), () => process.seteuid?.(0)]
  if (wasRoot) ways.push(() => process.setgid?.(0))
  for (const become of ways) {
    if (succeeds(become)) throw new PrivilegeError('root can be had again after giving it up', hint)
  }
  for (const thread of readdirSync('/proc/self/task')) {
    const status = readFileSync(`/proc/self/task/${thread}/status`, 'utf8')
    const kept = keptRights(status) ?? (wasRoot ? keptGroup(status) : undefined)
    if (kept) throw new PrivilegeError(`thread ${thread} still has ${kept}`, hint)
  }
}

function succeeds(attempt: () => unknown): boolean {
  try {
    attempt()
    return true
  } catch {
    return false
  }
}

/** The right of root that a /proc/PID/status text still shows, in words; undefined when there is none. */
export function keptRights(status: string): string | undefined {
  if (idsOf(status, 'Uid').includes('0')) return 'user id 0'
  for (const set of ['CapPrm', 'CapEff', 'CapAmb']) {
    if (!new RegExp(`^${set}:\\s*0+$`, 'm').test(status)) return `capabilities (${set})`
  }
  return undefined
}

/** The same for membership in group 0. */
export function keptGroup(status: string): string | undefined {
  if (idsOf(status, 'Gid').includes('0')) return 'group id 0'
  return /^Groups:.*\b0\b/m.test(status) ? 'group 0 as a supplementary group' : undefined
}

/** Real, effective, saved and file system id; a missing line counts as root: better to stop than to trust. */
const idsOf = (status: string, line: 'Uid' | 'Gid'): string[] =>
  new RegExp(`^${line}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.split(/\s+/) ?? ['0']
