import { isMainThread } from 'node:worker_threads'
import koffi from 'koffi'

/**
 * The C library, typed. Lengths always come from the buffer itself: a wrong length is a SIGSEGV,
 * so no caller hands one in. Every call that fails throws a `KernelError` with the errno name.
 */
const libc = koffi.load('libc.so.6')

const cSocket = libc.func('int socket(int domain, int type, int protocol)')
const cBind = libc.func('int bind(int fd, const void *address, uint32_t length)')
const cSetsockopt = libc.func(
  'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
)
const cGetsockopt = libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)')
const cSend = libc.func('long send(int fd, const void *bytes, size_t length, int flags)')
const cRecv = libc.func('long recv(int fd, void *bytes, size_t length, int flags)')
const cClose = libc.func('int close(int fd)')
const cMmap = libc.func(
  'void *mmap(intptr_t address, size_t length, int protection, int flags, int fd, int64_t offset)',
)
const cMunmap = libc.func('int munmap(void *address, size_t length)')
const cPrctl = libc.func(
  'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
)
const cPageBytes = libc.func('int getpagesize()')
const cStrerror = libc.func('const char *strerror(int number)')
const cStrerrorName = libc.func('const char *strerrorname_np(int number)')

export const AF_INET = 2
export const AF_INET6 = 10
export const AF_NETLINK = 16
export const AF_PACKET = 17
export const SOCK_RAW = 3
const SOCK_CLOEXEC = 0o2000000
export const SOCK_NONBLOCK = 0o4000
export const SOL_SOCKET = 1

const MAP_FAILED = 0xffffffffffffffffn
const PROT_READ = 1
const PROT_READ_WRITE = 3
const MAP_SHARED = 1
const MAP_POPULATE = 0x8000
const PR_SET_NO_NEW_PRIVS = 38

/** A system call that the kernel refused. `code` is the errno name, such as EPERM. */
export class KernelError extends Error {
  readonly call: string
  readonly errno: number
  readonly code: string

  constructor(call: string, errno: number) {
    super(`${call}: ${cStrerror(errno) as string}`)
    this.name = 'KernelError'
    this.call = call
    this.errno = errno
    this.code = errnoName(errno)
  }
}

/** The errno name of a number: 1 is EPERM. */
export const errnoName = (errno: number): string => (cStrerrorName(errno) as string | null) ?? `E${errno}`

/** `errno` must be read at once: the next call of anything may change it. */
function checked(result: number, call: string): number {
  if (result < 0) throw new KernelError(call, koffi.errno())
  return result
}

export const openSocket = (domain: number, type: number, protocol: number): number =>
  checked(cSocket(domain, type | SOCK_CLOEXEC, protocol), 'socket')

export const bindSocket = (fd: number, address: Uint8Array): void =>
  void checked(cBind(fd, address, address.byteLength), 'bind')

export const setSocketOption = (fd: number, level: number, name: number, value: Uint8Array): void =>
  void checked(cSetsockopt(fd, level, name, value, value.byteLength), 'setsockopt')

export const setSocketNumber = (fd: number, level: number, name: number, value: number): void =>
  setSocketOption(fd, level, name, int32(value))

/** Fills `value` and answers how many bytes the kernel wrote. */
export function getSocketOption(fd: number, level: number, name: number, value: Uint8Array): number {
  const length = int32(value.byteLength)
  checked(cGetsockopt(fd, level, name, value, length), 'getsockopt')
  return new DataView(length.buffer).getInt32(0, true)
}

export function sendBytes(fd: number, bytes: Uint8Array, flags = 0): number {
  return checked(cSend(fd, bytes, bytes.byteLength, flags), 'send')
}

/** Bytes received, or -1 when a nonblocking socket has nothing. Throws on any other failure. */
export function receiveBytes(fd: number, into: Uint8Array, flags = 0): number {
  const got = cRecv(fd, into, into.byteLength, flags) as number
  if (got >= 0) return got
  const errno = koffi.errno()
  if (errno === EAGAIN) return -1
  throw new KernelError('recv', errno)
}

const EAGAIN = 11

export const closeFd = (fd: number): void => void checked(cClose(fd), 'close')

/** Memory that the kernel shares with us. Nothing may touch `buffer` after `release`. */
export interface SharedMapping {
  readonly buffer: ArrayBuffer
  release(): void
}

/** Bytes of a memory page: 4 KB, on some arm64 kernels 64 KB. */
export const pageBytes = (): number => cPageBytes() as number

/** Maps `length` bytes of `fd`, read and write, populated. */
export function mapShared(fd: number, length: number): SharedMapping {
  const address = cMmap(0, length, PROT_READ_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0) as bigint
  if (address === MAP_FAILED) throw new KernelError('mmap', koffi.errno())
  return {
    buffer: koffi.view(address, length) as ArrayBuffer,
    release: () => void checked(cMunmap(address, length), 'munmap'),
  }
}

/** Maps `length` bytes of `fd` from `offset`, to read only: a write to `buffer` is a SIGSEGV. */
export function mapReadOnly(fd: number, length: number, offset: number): SharedMapping {
  const address = cMmap(0, length, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, offset) as bigint
  if (address === MAP_FAILED) throw new KernelError('mmap', koffi.errno())
  return {
    buffer: koffi.view(address, length) as ArrayBuffer,
    release: () => void checked(cMunmap(address, length), 'munmap'),
  }
}

/** The address of a buffer, for structures that hold a pointer. Keep the buffer alive over the call. */
export const addressOf = (bytes: Uint8Array): bigint => BigInt(koffi.address(bytes))

/** After this no exec can give the process more than it has (prctl(2), PR_SET_NO_NEW_PRIVS). */
export const forbidNewPrivileges = (): void => void checked(cPrctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 'prctl')

/**
 * Calls `onReadable` from the event loop whenever `fd` has something to read. The handle that comes back
 * must be kept: collected, its events stop silently. When the kernel flags an error on `fd`, libuv stops
 * watching it for good: `onFailed` is told once; without it `onReadable` is, and its read finds the error.
 */
export function watchReadable(
  fd: number,
  onReadable: () => void,
  onFailed: () => void = onReadable,
): { close(): void } {
  // koffi 3.3 calls back with (status, events); its types know the events alone.
  const handle = koffi.node.poll(fd, { readable: true }, (status: unknown) =>
    typeof status === 'number' && status < 0 ? onFailed() : onReadable(),
  )
  const watch = { close: () => void (watches.delete(watch) && handle.close()) }
  watches.add(watch)
  guardThread()
  return watch
}

/** All of this thread. */
const watches = new Set<{ close(): void }>()
let isGuarded = false

/** A watch that fires while its thread is taken down by an error aborts the whole process: then it must be closed. */
function guardThread(): void {
  if (isMainThread || isGuarded) return
  isGuarded = true
  process.once('uncaughtException', (failed) => {
    for (const watch of watches) watch.close()
    throw failed
  })
}

function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setInt32(0, value, true)
  return bytes
}
