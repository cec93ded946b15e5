import type { ProcFds } from '#kernel/proc-fds.ts'
import type { SocketDiag } from '#kernel/sock-diag.ts'
import type { SocketWords } from '#kernel/socket-table.ts'
import { formatIpv4, formatIpv6 } from '#model/address.ts'
import { keyText } from './owner-cache.ts'
import { type ProcessDetails, type Processes, readExecutable } from './process.ts'

/** Of a first packet: which process sent it. */
export interface HeldPacket {
  /** As `keyText` writes it. */
  readonly key: string
  readonly inode: number
  readonly details: ProcessDetails
}

export interface FirstPacketsParts {
  readonly diag: Pick<SocketDiag, 'find'>
  readonly fds: Pick<ProcFds, 'pids' | 'holds'>
  readonly processes: Pick<Processes, 'describe' | 'forget'>
  /** The pid that was given last. */
  readonly lastPid: () => number
  /** Milliseconds, monotonic. */
  readonly clock: () => number
  /** Milliseconds of CPU that this thread has had. */
  readonly cpuMs: () => number
  readonly proc?: string
}

/** So long a packet may wait for its program: a few milliseconds, but on a busy machine we wait for our own turn too. */
const LOOK_MS = 60
/** Of the time, looking may take half (of a CPU), and a rush of this length at once. */
const SHARE = 0.5
const RUSH_MS = 500
/** So many packets may stand in line and each be looked up; what comes behind them passes. */
const MOST_IN_LINE = 64
const RECENT_PIDS = 8
/** A short-lived program has few files open; whoever has many is found later, by the walk through /proc. */
const MOST_FILES = 256

/**
 * Finds the process of a packet that waits, while it waits: the socket by its five numbers, then who holds it: who
 * sent of late, then all processes from the youngest on. Its time is bounded, since connections wait for it.
 */
export class FirstPackets {
  readonly #parts: FirstPacketsParts
  /** Most recent first. */
  #recent: number[] = []
  #creditMs = RUSH_MS
  #creditAt: number
  #inLine = 0

  constructor(parts: FirstPacketsParts) {
    this.#parts = parts
    this.#creditAt = parts.clock()
  }

  /** All that stood in line was worked off. */
  lineIsEmpty(): void {
    this.#inLine = 0
  }

  /** `passed`: too many are in line, or looking has taken its share: nobody looked. */
  look(words: SocketWords): HeldPacket | 'unknown' | 'passed' {
    const from = this.#parts.clock()
    this.#creditMs = Math.min(RUSH_MS, this.#creditMs + (from - this.#creditAt) * SHARE)
    this.#creditAt = from
    if (++this.#inLine > MOST_IN_LINE || this.#creditMs <= 0) return 'passed'
    const cpuFrom = this.#parts.cpuMs()
    const held = this.#holderOf(words, from)
    this.#creditMs -= this.#parts.cpuMs() - cpuFrom
    return held ?? 'unknown'
  }

  #holderOf(words: SocketWords, from: number): HeldPacket | undefined {
    const socket = this.#parts.diag.find(words)
    if (!socket || socket.inode === 0) return undefined
    const pid = this.#pidOf(socket.inode, from)
    const details = pid === undefined ? undefined : this.#describe(pid)
    return details && { key: textOf(words), inode: socket.inode, details }
  }

  #pidOf(inode: number, from: number): number | undefined {
    const { fds, clock } = this.#parts
    const holds = (pid: number): boolean => fds.holds(pid, inode, MOST_FILES)
    const recent = this.#recent.find(holds)
    if (recent !== undefined) return recent
    for (const pid of youngestFirst(fds.pids(), this.#parts.lastPid())) {
      if (clock() - from > LOOK_MS) return undefined
      if (this.#recent.includes(pid) || !holds(pid)) continue
      this.#recent = [pid, ...this.#recent].slice(0, RECENT_PIDS)
      return pid
    }
    return undefined
  }

  /** What was read a moment ago holds, unless the process has become another program. */
  #describe(pid: number): ProcessDetails | undefined {
    const { processes, clock, proc = '/proc' } = this.#parts
    const known = processes.describe(pid, clock())
    if (!known) return undefined
    const now = readExecutable(`${proc}/${pid}/exe`)
    if (now.state === 'unreadable' || JSON.stringify(now) === JSON.stringify(known.executable)) return known
    processes.forget(pid)
    return processes.describe(pid, clock())
  }
}

/** Pids are given upwards, and from the bottom again after the highest. `pids` ascend. */
export function youngestFirst(pids: readonly number[], lastPid: number): number[] {
  const younger = pids.findLastIndex((pid) => pid <= lastPid) + 1
  return [...pids.slice(0, younger).reverse(), ...pids.slice(younger).reverse()]
}

/** The pid that was given last, of a /proc/loadavg text; 0 where it does not say (proc_loadavg(5)). */
export const parseLastPid = (text: string): number => Number(text.trimEnd().split(' ').at(-1)) || 0

const textOf = ({ protocol, version, local, localPort, peer, peerPort }: SocketWords): string =>
  keyText({
    protocol,
    localAddress: addressOf(version, local),
    localPort,
    peerAddress: addressOf(version, peer),
    peerPort,
  })

const addressOf = (version: number, [w0 = 0, w1 = 0, w2 = 0, w3 = 0]: Uint32Array): string =>
  version === 4 ? formatIpv4(w0) : formatIpv6(w0, w1, w2, w3)
