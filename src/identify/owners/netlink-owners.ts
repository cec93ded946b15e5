import { setThreadNice } from '#kernel/priority.ts'
import { type ProcEventListener, ProcEvents } from '#kernel/proc-events.ts'
import type { ProcFds } from '#kernel/proc-fds.ts'
import type { SocketDiag } from '#kernel/sock-diag.ts'
import { SocketTable } from '#kernel/socket-table.ts'
import { RecentMap } from '#lib/recent-map.ts'
import { formatIpv4, formatIpv6 } from '#model/address.ts'
import type { PartHealth } from '#model/health.ts'
import type { Owner, SocketKey } from '#model/owner.ts'
import { keyText } from './owner-cache.ts'
import type { OwnerMaker } from './owner-maker.ts'
import type { FoundSocket, OwnerSource } from './owner-source.ts'
import type { ProcessDetails, Processes } from './process.ts'

export interface NetlinkOwnersParts {
  readonly processes: Processes
  readonly fds: ProcFds
  readonly diag: SocketDiag
  readonly maker: OwnerMaker
  /** Milliseconds, monotonic. */
  readonly clock: () => number
}

/** A process that has just started or become another program. */
interface Young {
  readonly details: ProcessDetails
  readonly since: number
  /** Sockets that it got from its parent and that stay the parent's, by inode. */
  readonly inherited: ReadonlySet<number>
}

const NOTHING: ReadonlySet<number> = new Set()

/** A socket without a peer: it may connect at once, later, or be none that has one (a Unix socket). */
interface Unconnected {
  readonly young: Young
  readonly since: number
  /** When its peer is looked for again: ever later, since each look reads the whole socket table. */
  lookAt: number
}

const AHEAD_OF_OTHERS = -10
const MAX_SOCKETS = 65_536
const MAX_YOUNG = 1_024
/** So long a new program is looked at again and again; an older one is found by the walk through /proc. */
const YOUNG_MS = 60
const LOOK_EVERY_MS = 1
/** A program this young is looked at without a pause: many connect as the first thing they do. */
const NEWBORN_MS = 4
const SHORTEST_LOOK_MS = 0.2
/** Of this thread's time, looking may take a quarter, and a rush of this length at once. */
const SHARE = 0.25
const RUSH_MS = 1_000

/**
 * Owners where eBPF is not to be had: the proc connector tells of new programs, and while each is young its open
 * sockets are read from /proc every millisecond and looked up in the socket table. A program that opens and closes its
 * socket between two looks is missed.
 */
export class NetlinkOwners implements OwnerSource, ProcEventListener {
  readonly name = 'netlink'
  readonly #parts: NetlinkOwnersParts
  readonly #young = new Map<number, Young>()
  readonly #byInode = new RecentMap<number, ProcessDetails>(MAX_SOCKETS)
  readonly #byKey = new RecentMap<string, ProcessDetails>(MAX_SOCKETS)
  /** Sockets that have no peer yet, by inode. */
  readonly #unconnected = new Map<number, Unconnected>()
  readonly #table = new SocketTable()
  /** Forked, and not yet another program: most become one at once, so they are read a moment later. */
  readonly #forked = new Map<number, number>()
  #cancel: (() => void) | undefined
  #creditMs = RUSH_MS
  #creditAt = 0
  #cpu = process.threadCpuUsage()
  #lost = 0

  readonly #events: ProcEvents

  /** Throws KernelError where there is no proc connector. */
  constructor(parts: NetlinkOwnersParts) {
    this.#parts = parts
    this.#events = new ProcEvents(this)
    // On a busy machine a program may be over before this thread has its turn.
    setThreadNice(AHEAD_OF_OTHERS)
  }

  forked(_parentPid: number, pid: number): void {
    if (this.#forked.size < MAX_YOUNG) this.#forked.set(pid, this.#parts.clock())
    this.#schedule()
  }

  executed(pid: number): void {
    this.#forked.delete(pid)
    this.#parts.processes.forget(pid)
    this.#look(pid)
  }

  /** Its sockets were read as often as they could be. */
  ended(pid: number): void {
    this.#young.delete(pid)
    this.#forked.delete(pid)
  }

  lost(): void {
    this.#lost++
  }

  known(socket: FoundSocket, now: number): Owner | undefined {
    const details = socket.inode === 0 ? undefined : this.#byInode.get(socket.inode)
    return details && this.#parts.maker.ownerOf(details, now)
  }

  learn(_sockets: readonly FoundSocket[], now: number): void {
    this.#readYoung(now)
  }

  remembered(key: SocketKey, now: number): Owner | undefined {
    const details = this.#byKey.get(keyText(key))
    return details && this.#parts.maker.ownerOf(details, now)
  }

  health(): PartHealth {
    if (this.#lost === 0) {
      return { part: 'owners', state: 'ok', note: 'programs are seen as they start (proc connector)' }
    }
    return {
      part: 'owners',
      state: 'degraded',
      reason: `programs started faster than they could be read, ${this.#lost} times: some are found later, by /proc`,
      remedy: 'none needed if it does not last',
    }
  }

  close(): void {
    this.#cancel?.()
    this.#events.close()
    this.#young.clear()
  }

  #socketsOf(pid: number): ReadonlySet<number> {
    const inodes = new Set<number>()
    this.#parts.fds.eachSocket(pid, (inode) => inodes.add(inode))
    return inodes
  }

  #look(pid: number, inherited = NOTHING): void {
    const now = this.#parts.clock()
    const details = this.#parts.processes.describe(pid, now)
    if (!details || (this.#young.size >= MAX_YOUNG && !this.#young.has(pid))) return
    this.#young.set(pid, { details, since: now, inherited })
    this.#schedule()
  }

  #schedule(): void {
    if (this.#cancel || this.#young.size + this.#forked.size + this.#unconnected.size === 0) return
    const look = (): void => {
      this.#cancel = undefined
      this.#readYoung(this.#parts.clock())
      this.#schedule()
    }
    if (this.#creditMs > 0 && this.#hasNewborn()) {
      const turn = setImmediate(look)
      this.#cancel = () => clearImmediate(turn)
      return
    }
    const timer = setTimeout(look, this.#creditMs > 0 ? LOOK_EVERY_MS : -this.#creditMs / SHARE)
    this.#cancel = () => clearTimeout(timer)
  }

  #hasNewborn(): boolean {
    const since = this.#parts.clock() - NEWBORN_MS
    for (const young of this.#young.values()) if (young.since > since) return true
    return false
  }

  #readYoung(now: number): void {
    this.#creditMs = Math.min(RUSH_MS, this.#creditMs + (now - this.#creditAt) * SHARE)
    this.#creditAt = now
    this.#spentMs()
    for (const [pid, forkedAt] of this.#forked) {
      if (now - forkedAt < LOOK_EVERY_MS) continue
      this.#forked.delete(pid)
      this.#look(pid, this.#socketsOf(pid))
    }
    for (const [pid, young] of this.#young) this.#readSockets(pid, young, now)
    if (this.#isLookDue(now)) this.#findPeers(now)
    this.#creditMs -= this.#spentMs()
  }

  /** CPU time of this thread since the last call: on a busy machine most of the clock's time is others'. */
  #spentMs(): number {
    const { user, system } = process.threadCpuUsage(this.#cpu)
    this.#cpu = process.threadCpuUsage()
    return (user + system) / 1_000
  }

  #readSockets(pid: number, young: Young, now: number): void {
    const scan = this.#parts.fds.eachSocket(pid, (inode) => {
      if (young.inherited.has(inode)) return
      const known = this.#byInode.get(inode)
      // Inherited over a fork it is the parent's; after an exec of its own program the new one's.
      if (known && known.pid !== young.details.pid) return
      if (known !== young.details) this.#byInode.set(inode, young.details)
      if (!known && this.#unconnected.size < MAX_SOCKETS) {
        this.#unconnected.set(inode, { young, since: now, lookAt: now })
      }
    })
    if (scan !== 'read' || now - young.since > YOUNG_MS) this.#young.delete(pid)
  }

  #isLookDue(now: number): boolean {
    for (const { lookAt } of this.#unconnected.values()) if (lookAt <= now) return true
    return false
  }

  /** One dump of the socket table for all sockets that were new or without a peer. */
  #findPeers(now: number): void {
    this.#parts.diag.fill(this.#table)
    const table = this.#table
    for (let row = 0; row < table.count; row++) {
      const found = this.#unconnected.get(table.inode[row] as number)
      if (!found || table.peerPort[row] === 0) continue
      this.#byKey.set(keyAt(table, row), found.young.details)
      this.#unconnected.delete(table.inode[row] as number)
    }
    for (const [inode, socket] of this.#unconnected) {
      const age = now - socket.since
      if (age > YOUNG_MS) this.#unconnected.delete(inode)
      else socket.lookAt = now + Math.max(SHORTEST_LOOK_MS, age / 2)
    }
  }
}

function keyAt(table: SocketTable, row: number): string {
  const isIpv4 = table.version[row] === 4
  const text = (words: Uint32Array): string => {
    const [w0, w1, w2, w3] = words.subarray(row * 4, row * 4 + 4) as unknown as [
      number,
      number,
      number,
      number,
    ]
    return isIpv4 ? formatIpv4(w0) : formatIpv6(w0, w1, w2, w3)
  }
  return keyText({
    protocol: table.protocol[row] as number,
    localAddress: text(table.local),
    localPort: table.localPort[row] as number,
    peerAddress: text(table.peer),
    peerPort: table.peerPort[row] as number,
  })
}
