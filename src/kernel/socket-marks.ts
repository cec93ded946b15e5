import { readdirSync, readlinkSync } from 'node:fs'
import koffi from 'koffi'
import {
  AF_INET,
  AF_INET6,
  closeFd,
  getSocketOption,
  KernelError,
  openSocket,
  SOL_SOCKET,
  setSocketNumber,
} from './libc.ts'

const cSyscall = koffi.load('libc.so.6').func('long syscall(long number, long a, long b, long c)')
/** The same numbers on x86-64 and arm64. */
const SYS = { pidfdOpen: 434, pidfdGetfd: 438 } as const
const SOCK_DGRAM = 2
/** asm-generic/socket.h */
const OPTION = { mark: 36, domain: 39, netnsCookie: 71 } as const

/** The network namespace that we are in, as eBPF programs name it (Linux 5.14 and later). Throws KernelError. */
export function netnsCookie(): bigint {
  const fd = openSocket(AF_INET, SOCK_DGRAM, 0)
  try {
    return cookieOf(fd)
  } finally {
    closeFd(fd)
  }
}

/**
 * Marks what a process has open, as if it opened it now: the masked bits of all its IP sockets in our network namespace
 * become `mark`. Answers how many had another one. A process that ended has none.
 */
export function markSockets(pid: number, mark: number, bits: MarkedBits): number {
  const names = socketsOf(pid)
  if (names.length === 0) return 0
  const process = cSyscall(SYS.pidfdOpen, pid, 0, 0) as number
  if (process < 0) return 0
  try {
    return names.reduce((sum, name) => sum + (markOne(process, name, mark, bits) ? 1 : 0), 0)
  } finally {
    closeFd(process)
  }
}

export interface MarkedBits {
  readonly mask: number
  readonly netns: bigint
  /** Sockets with bits of others keep ours clear. */
  readonly yields: boolean
}

// A socket is a process and a number in it; how it is marked is two more.
function markOne(
  process: number,
  theirs: number,
  mark: number,
  { mask, netns, yields }: MarkedBits,
): boolean {
  const fd = cSyscall(SYS.pidfdGetfd, process, theirs, 0) as number
  if (fd < 0) return false
  try {
    const domain = numberOf(fd, OPTION.domain)
    if ((domain !== AF_INET && domain !== AF_INET6) || cookieOf(fd) !== netns) return false
    const before = numberOf(fd, OPTION.mark)
    const foreign = before & ~mask
    const after = (yields && foreign !== 0 ? foreign : foreign | mark) >>> 0
    if (before === after) return false
    setSocketNumber(fd, SOL_SOCKET, OPTION.mark, after)
    return true
  } catch (refused) {
    if (refused instanceof KernelError) return false
    throw refused
  } finally {
    closeFd(fd)
  }
}

function socketsOf(pid: number): number[] {
  const folder = `/proc/${pid}/fd`
  try {
    return readdirSync(folder).flatMap((name) => (isSocket(`${folder}/${name}`) ? [Number(name)] : []))
  } catch {
    // It ended.
    return []
  }
}

function isSocket(link: string): boolean {
  try {
    return readlinkSync(link).startsWith('socket:[')
  } catch {
    return false
  }
}

function numberOf(fd: number, option: number): number {
  const value = new Uint8Array(4)
  getSocketOption(fd, SOL_SOCKET, option, value)
  return new DataView(value.buffer).getUint32(0, true)
}

function cookieOf(fd: number): bigint {
  const value = new Uint8Array(8)
  getSocketOption(fd, SOL_SOCKET, OPTION.netnsCookie, value)
  return new DataView(value.buffer).getBigUint64(0, true)
}
