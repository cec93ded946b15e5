import { readlinkSync } from 'node:fs'
import { capabilities } from '#kernel/capabilities.ts'
import { ProcFds } from '#kernel/proc-fds.ts'
import type { PartHealth } from '#model/health.ts'
import type { Owner } from '#model/owner.ts'
import { ContainerNames } from '../programs/container-names.ts'
import { CONFIDENCE, OwnerMaker } from './owner-maker.ts'
import type { FoundSocket, OwnerSource } from './owner-source.ts'
import { Processes } from './process.ts'
import { Users } from './users.ts'

/** A process that had the socket open, named so that a later process with its pid is not taken for it. */
interface Holder {
  readonly pid: number
  readonly startTicks: number
}

const INIT_PID = 1
/** The PID namespace that sees every process (PROC_PID_INIT_INO, linux/proc_ns.h). */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]'
const RECENT_PIDS = 8
const WALK_ALL_AFTER_MS = 10_000
const MAX_SOCKETS = 1 << 19
const MAX_ABSENT = 4_096
/** So many whole walks must miss a socket before we say that no process holds it: it may just be changing hands. */
const WALKS_TO_BE_SURE = 2

/**
 * Owners by the open files in /proc. Where several processes hold one socket, its owner is the one that started
 * first: of a server and its workers the server, of a shell and its children the shell. Only PID 1 comes last:
 * systemd keeps the listening sockets of the services it starts.
 * Not seen: sockets of threads that left their process's file table (unshare CLONE_FILES).
 */
export class ProcScan implements OwnerSource {
  readonly name = 'scan'
  readonly #fds = new ProcFds()
  readonly #processes: Processes
  readonly #users: Users
  readonly #seesAll: boolean
  readonly #maker: OwnerMaker
  #holders = new Map<number, Holder>()
  /** Whole walks that missed a wanted socket, by inode. */
  #misses = new Map<number, number>()
  /** Who had the sockets of late: mostly they have the next one too. */
  #recent: number[] = []
  #walkedAllAt = Number.NEGATIVE_INFINITY
  #unreadable = 0

  constructor(processes = new Processes(), users = new Users(), names = new ContainerNames()) {
    this.#processes = processes
    this.#users = users
    this.#maker = new OwnerMaker({
      source: 'scan',
      users,
      names,
      processOf: (pid, now) => processes.describe(pid, now),
    })
    this.#seesAll = capabilities().sysPtrace && readlinkSync('/proc/self/ns/pid') === FIRST_PID_NAMESPACE
  }

  known(socket: FoundSocket, now: number): Owner | undefined {
    if (socket.inode === 0) return undefined
    const holder = this.#holders.get(socket.inode)
    if (!holder) return this.#absentOwner(socket, now)
    const details = this.#processes.describe(holder.pid, now)
    if (details?.startTicks === holder.startTicks) return this.#maker.ownerOf(details, now)
    this.#holders.delete(socket.inode)
    return undefined
  }

  learn(sockets: readonly FoundSocket[], now: number): void {
    const wanted = new Map<number, FoundSocket>()
    for (const socket of sockets) {
      if (socket.inode !== 0 && this.known(socket, now) === undefined) wanted.set(socket.inode, socket)
    }
    if (wanted.size === 0) return
    const isRecentWalk = now - this.#walkedAllAt < WALK_ALL_AFTER_MS
    // Listening sockets are often shared: who started first shows in the whole walk only.
    const isQuickEnough = [...wanted.values()].every((socket) => socket.match === 'own')
    if (!(isRecentWalk && isQuickEnough && this.#walkRecent(wanted))) this.#walkAll(wanted, now)
    this.#rememberRecent(wanted.keys())
  }

  health(): PartHealth {
    if (this.#seesAll || this.#unreadable === 0) {
      return { part: 'owners', state: 'ok', note: 'programs are found by sock_diag and /proc' }
    }
    return {
      part: 'owners',
      state: 'degraded',
      reason: `the programs behind ${this.#unreadable} processes of other users cannot be seen`,
      remedy: 'run Gatehouse as root, or give it CAP_SYS_PTRACE',
    }
  }

  close(): void {
    this.#holders.clear()
  }

  /** True when the processes of late hold all that is wanted. */
  #walkRecent(wanted: ReadonlyMap<number, FoundSocket>): boolean {
    for (const pid of this.#recent) this.#walkProcess(pid, this.#holders)
    for (const inode of wanted.keys()) if (!this.#holders.has(inode)) return false
    return true
  }

  #walkAll(wanted: ReadonlyMap<number, FoundSocket>, now: number): void {
    const holders = new Map<number, Holder>()
    this.#unreadable = 0
    for (const pid of this.#fds.pids()) {
      if (this.#walkProcess(pid, holders) === 'unreadable') this.#unreadable++
    }
    const misses = new Map<number, number>()
    // Sockets that surely nobody holds stay so, or each list would walk for them again.
    for (const [inode, times] of this.#misses) {
      if (times >= WALKS_TO_BE_SURE && !holders.has(inode) && misses.size < MAX_ABSENT)
        misses.set(inode, times)
    }
    for (const inode of wanted.keys()) {
      if (!holders.has(inode)) misses.set(inode, (this.#misses.get(inode) ?? 0) + 1)
    }
    this.#holders = holders
    this.#misses = misses
    this.#walkedAllAt = now
  }

  #walkProcess(pid: number, holders: Map<number, Holder>): 'read' | 'gone' | 'unreadable' {
    let holder: Holder | undefined
    return this.#fds.eachSocket(pid, (inode) => {
      holder ??= { pid, startTicks: this.#processes.startTicksOf(pid) ?? 0 }
      const other = holders.get(inode)
      if (other ? isBefore(holder, other) : holders.size < MAX_SOCKETS) holders.set(inode, holder)
    })
  }

  #rememberRecent(inodes: Iterable<number>): void {
    const pids = new Set<number>()
    for (const inode of inodes) {
      const holder = this.#holders.get(inode)
      if (holder) pids.add(holder.pid)
      if (pids.size === RECENT_PIDS) break
    }
    for (const pid of this.#recent) if (pids.size < RECENT_PIDS) pids.add(pid)
    this.#recent = [...pids]
  }

  /** No process holds it: the kernel's own (a WireGuard port, an NFS mount), or one that we may not see. */
  #absentOwner(socket: FoundSocket, now: number): Owner | undefined {
    if ((this.#misses.get(socket.inode) ?? 0) < WALKS_TO_BE_SURE) return undefined
    const user = this.#users.nameOf(socket.uid, now)
    const common = { pid: 0, commandLine: '', uid: socket.uid, ...(user !== undefined && { user }) }
    if (this.#seesAll && this.#unreadable === 0) {
      return { ...common, path: 'kernel', name: 'kernel', source: 'kernel', confidence: CONFIDENCE.kernel }
    }
    const unreadableBecause =
      this.#unreadable > 0
        ? 'the program belongs to another user: root may see which it is'
        : 'no process that can be seen from here holds the socket: it may live in another container'
    return {
      ...common,
      path: 'unreadable',
      unreadableBecause,
      name: 'unreadable',
      source: 'scan',
      confidence: CONFIDENCE.scan,
    }
  }
}

/** Whether `a` is the better owner of the two: see ProcScan. Equal starts (within 10 ms) go by pid. */
function isBefore(a: Holder, b: Holder): boolean {
  if (a.pid === INIT_PID || b.pid === INIT_PID) return b.pid === INIT_PID && a.pid !== INIT_PID
  return a.startTicks < b.startTicks || (a.startTicks === b.startTicks && a.pid < b.pid)
}
