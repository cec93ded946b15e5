import koffi from 'koffi'

/**
 * Which process holds which socket, from /proc by raw system calls: `readdirSync` and `readlinkSync` make a string
 * of every entry and take several times as long.
 */
const libc = koffi.load('libc.so.6')
const cOpen = libc.func('int open(const char *path, int flags, uint32_t mode)')
const cClose = libc.func('int close(int fd)')
const cGetdents = libc.func('long getdents64(int fd, void *entries, size_t length)')
const cReadlinkat = libc.func('long readlinkat(int folder, const void *name, void *target, size_t length)')

const O_RDONLY_CLOEXEC = 0o2000000
const EACCES = 13
const EPERM = 1
const ENTRIES_BYTES = 1 << 16
/** `socket:[4294967295]` is the longest we read; anything longer is no socket. */
const TARGET_BYTES = 32
/** Offsets within struct linux_dirent64 (getdents(2)). */
const RECORD_LENGTH_AT = 16
const NAME_AT = 19
const ZERO = 48
const NINE = 57
const SOCKET_PREFIX = new TextEncoder().encode('socket:[')

/** `unreadable`: the process belongs to somebody else and we may not look. */
export type FdScan = 'read' | 'gone' | 'unreadable'

/** Walks folders of numbers. One object per thread: its buffers are used again for each call. */
export class ProcFds {
  readonly #entries = new Uint8Array(ENTRIES_BYTES)
  readonly #view = new DataView(this.#entries.buffer)
  readonly #target = new Uint8Array(TARGET_BYTES)

  /** The processes that this PID namespace shows, in /proc's order: ascending. */
  pids(): number[] {
    const pids: number[] = []
    const folder = cOpen('/proc', O_RDONLY_CLOEXEC, 0) as number
    if (folder < 0) throw new Error('/proc cannot be read: is it mounted?')
    this.#eachNumber(folder, (pid) => pids.push(pid) > 0)
    cClose(folder)
    return pids
  }

  /** Calls `onSocket` with the inode of each socket that the process has open. */
  eachSocket(pid: number, onSocket: (inode: number) => void): FdScan {
    const folder = cOpen(`/proc/${pid}/fd`, O_RDONLY_CLOEXEC, 0) as number
    if (folder < 0) return isForbidden(koffi.errno()) ? 'unreadable' : 'gone'
    this.#eachNumber(folder, (_fd, nameAt) => {
      const inode = this.#socketAt(folder, nameAt)
      if (inode !== undefined) onSocket(inode)
      return true
    })
    cClose(folder)
    return 'read'
  }

  /** Whether the process has this socket among the first `most` files that it has open. */
  holds(pid: number, wanted: number, most: number): boolean {
    const folder = cOpen(`/proc/${pid}/fd`, O_RDONLY_CLOEXEC, 0) as number
    if (folder < 0) return false
    let [found, seen] = [false, 0]
    this.#eachNumber(folder, (_fd, nameAt) => {
      found = this.#socketAt(folder, nameAt) === wanted
      return !found && ++seen < most
    })
    cClose(folder)
    return found
  }

  #socketAt(folder: number, nameAt: number): number | undefined {
    const length = cReadlinkat(folder, this.#entries.subarray(nameAt), this.#target, TARGET_BYTES) as number
    return parseSocketTarget(this.#target, length)
  }

  /** Names that are decimal numbers, with the place of the zero-terminated name in the buffer; until `read` says no. */
  #eachNumber(folder: number, read: (value: number, nameAt: number) => boolean): void {
    for (;;) {
      const length = cGetdents(folder, this.#entries, ENTRIES_BYTES) as number
      if (length <= 0) return
      for (let at = 0; at < length; at += this.#view.getUint16(at + RECORD_LENGTH_AT, true)) {
        const value = parseDigits(this.#entries, at + NAME_AT, 0)
        if (value !== undefined && !read(value, at + NAME_AT)) return
      }
    }
  }
}

/** `socket:[N]` → N, as /proc/PID/fd/* points (proc_pid_fd(5)); undefined for anything else. */
export function parseSocketTarget(target: Uint8Array, length: number): number | undefined {
  if (length <= SOCKET_PREFIX.length || length >= target.length) return undefined
  for (let at = 0; at < SOCKET_PREFIX.length; at++) if (target[at] !== SOCKET_PREFIX[at]) return undefined
  return parseDigits(target, SOCKET_PREFIX.length, 0x5d)
}

/** The decimal number from `at` up to the byte `until`; undefined where anything else stands. */
function parseDigits(bytes: Uint8Array, at: number, until: number): number | undefined {
  let value = 0
  let next = at
  for (; bytes[next] !== until; next++) {
    const digit = bytes[next]
    if (digit === undefined || digit < ZERO || digit > NINE) return undefined
    value = value * 10 + digit - ZERO
  }
  return next === at ? undefined : value
}

const isForbidden = (errno: number): boolean => errno === EACCES || errno === EPERM
