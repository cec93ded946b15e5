import { closeSync, openSync, readFileSync, readlinkSync, readSync, statSync } from 'node:fs'

/** One process as /proc shows it. Text is raw: whoever prints it escapes it. */
export interface ProcessDetails {
  readonly pid: number
  readonly parentPid: number
  /** Clock ticks from boot to its start: with the pid it names one process for good. */
  readonly startTicks: number
  /** Milliseconds since the epoch, to a second. */
  readonly startedAt: number
  readonly uid: number
  readonly executable: Executable
  /** The kernel's short name: at most 15 bytes, chosen by the program. */
  readonly shortName: string
  /** Arguments with spaces between them; at most 4 KB. Empty for kernel threads and zombies. */
  readonly commandLine: string
  readonly argumentList: readonly string[]
  /** As /proc/PID/cgroup has it; empty where that cannot be read. */
  readonly cgroups: string
}

export type Executable =
  | { readonly state: 'there' | 'gone'; readonly path: string }
  | { readonly state: 'unreadable'; readonly because: string }

const COMMAND_LINE_BYTES = 4_096
const DELETED = ' (deleted)'
/** USER_HZ: fixed at 100 towards user space on x86 and arm64 (time(7)). */
const TICK_MS = 10
const FRESH_MS = 1_000
const MAX_PROCESSES = 8_192
const NOTHING = Buffer.alloc(0)

/**
 * Processes by pid, read at most once a second each: a pid may come back as another process, and a process becomes
 * another program by exec without a new pid or start time.
 */
export class Processes {
  readonly #proc: string
  readonly #known = new Map<number, { readonly details: ProcessDetails; readonly readAt: number }>()
  #bootedAt: number | undefined

  constructor(proc = '/proc') {
    this.#proc = proc
  }

  /** Undefined when there is no such process. `now` in milliseconds, monotonic. */
  describe(pid: number, now: number): ProcessDetails | undefined {
    const known = this.#known.get(pid)
    if (known && now - known.readAt < FRESH_MS) return known.details
    const details = this.#read(pid)
    this.#known.delete(pid)
    if (!details) return undefined
    if (this.#known.size >= MAX_PROCESSES) this.#known.clear()
    const same = known && isSame(known.details, details) ? known.details : details
    this.#known.set(pid, { details: same, readAt: now })
    return same
  }

  /** It became another program: what was read is old. */
  forget(pid: number): void {
    this.#known.delete(pid)
  }

  /** Start of a process in ticks since boot, read now. */
  startTicksOf(pid: number): number | undefined {
    return parseStat(readText(`${this.#proc}/${pid}/stat`) ?? '')?.startTicks
  }

  cgroupsOf(pid: number): string {
    return readText(`${this.#proc}/${pid}/cgroup`) ?? ''
  }

  /** Milliseconds since the epoch, to a second, of a start in ticks since boot. */
  startedAt(startTicks: number): number {
    this.#bootedAt ??= parseBootTime(readText(`${this.#proc}/stat`) ?? '')
    return this.#bootedAt + startTicks * TICK_MS
  }

  #read(pid: number): ProcessDetails | undefined {
    const folder = `${this.#proc}/${pid}`
    const stat = parseStat(readText(`${folder}/stat`) ?? '')
    const uid = parseUid(readText(`${folder}/status`) ?? '')
    if (!stat || uid === undefined) return undefined
    const words = readArguments(`${folder}/cmdline`)
    return {
      pid,
      parentPid: stat.parentPid,
      startTicks: stat.startTicks,
      startedAt: this.startedAt(stat.startTicks),
      uid,
      executable: readExecutable(`${folder}/exe`),
      shortName: stat.shortName,
      commandLine: parseCommandLine(words),
      argumentList: parseArguments(words),
      cgroups: this.cgroupsOf(pid),
    }
  }
}

/** Reads /proc/PID/stat. The short name may hold spaces and brackets: it ends at the last one (proc_pid_stat(5)). */
export function parseStat(
  text: string,
): { readonly shortName: string; readonly parentPid: number; readonly startTicks: number } | undefined {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 0 || close < open) return undefined
  const fields = text.slice(close + 2).split(' ')
  const parentPid = Number(fields[1])
  const startTicks = Number(fields[19])
  if (!Number.isInteger(parentPid) || !Number.isInteger(startTicks)) return undefined
  return { shortName: text.slice(open + 1, close), parentPid, startTicks }
}

/** The effective uid of a /proc/PID/status text. */
export function parseUid(status: string): number | undefined {
  const uid = /^Uid:\t\d+\t(\d+)/m.exec(status)?.[1]
  return uid === undefined ? undefined : Number(uid)
}

/** Milliseconds since the epoch, of a /proc/stat text; 0 where it does not say. */
export const parseBootTime = (stat: string): number => Number(/^btime (\d+)$/m.exec(stat)?.[1] ?? 0) * 1_000

/** What the raw bytes of /proc/PID/cmdline say: zero bytes part the arguments and end the last. */
export const parseCommandLine = (bytes: Buffer): string =>
  bytes.toString('utf8').replace(/\0+$/, '').replaceAll('\0', ' ')

/** The same as a list. */
export const parseArguments = (bytes: Buffer): string[] =>
  bytes.length === 0 ? [] : bytes.toString('utf8').replace(/\0+$/, '').split('\0')

/** What a /proc/PID/exe link says. */
export function readExecutable(link: string): Executable {
  try {
    const path = readlinkSync(link)
    if (!path.endsWith(DELETED) || isReally(path, link)) return { state: 'there', path }
    return { state: 'gone', path: path.slice(0, -DELETED.length) }
  } catch (failed) {
    return { state: 'unreadable', because: reasonOf((failed as NodeJS.ErrnoException).code) }
  }
}

/** A file may bear a name that ends in " (deleted)": then the link leads to that very file. */
function isReally(path: string, link: string): boolean {
  try {
    const [named, running] = [statSync(path), statSync(link)]
    return named.ino === running.ino && named.dev === running.dev
  } catch {
    return false
  }
}

function reasonOf(code: string | undefined): string {
  if (code === 'EACCES' || code === 'EPERM') return 'it belongs to another user: root may read it'
  if (code === 'ENOENT') return 'no executable file is behind it: it has just ended or is a kernel thread'
  return `the kernel answered ${code ?? 'nothing'}`
}

/** The raw bytes of a /proc/PID/cmdline file, at most 4 KB; none where it cannot be read. */
export function readArguments(path: string): Buffer {
  let fd: number | undefined
  try {
    fd = openSync(path, 'r')
    const bytes = Buffer.alloc(COMMAND_LINE_BYTES)
    return bytes.subarray(0, readSync(fd, bytes, 0, COMMAND_LINE_BYTES, 0))
  } catch {
    return NOTHING
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Equal details stay one object: what is made of them is made once. */
function isSame(known: ProcessDetails, read: ProcessDetails): boolean {
  const [a, b] = [known.executable, read.executable]
  return (
    known.startTicks === read.startTicks &&
    known.uid === read.uid &&
    known.parentPid === read.parentPid &&
    known.shortName === read.shortName &&
    known.commandLine === read.commandLine &&
    known.cgroups === read.cgroups &&
    a.state === b.state &&
    ('path' in a ? a.path : a.because) === ('path' in b ? b.path : b.because)
  )
}
