import { parentPort, workerData } from 'node:worker_threads'
import type { SocketBytes } from '#kernel/bpf/byte-counters.ts'
import { capabilities } from '#kernel/capabilities.ts'
import { ConnectionTracking } from '#kernel/conntrack.ts'
import { KernelError, watchReadable } from '#kernel/libc.ts'
import { SocketDiag } from '#kernel/sock-diag.ts'
import { SocketTable } from '#kernel/socket-table.ts'
import { TcpBytes } from '#kernel/tcp-bytes.ts'
import type { PartHealth } from '#model/health.ts'
import { programKeyOf } from '#model/summary.ts'
import { LookUp } from './look-up.ts'
import type { ListedSockets, OwnerAnswer, Report, Request, WorkerSettings } from './messages.ts'
import { openSources } from './open-sources.ts'
import type { OwnerSource } from './owner-source.ts'
import { ProgramBytesBook } from './program-bytes.ts'
import { ownNamespace, searchPrograms } from './program-search.ts'
import { SocketFinder } from './socket-finder.ts'

/** The long look (socket table, walk through /proc) is made at most this often … */
const PAUSE_MS = 250
/** … and takes at most an eleventh of this thread's time. */
const PAUSE_PER_COST = 10
const MAX_PAUSE_MS = 5_000

/** Events are taken in so often while there are any, and ever more rarely when there are none. */
const SHORTEST_DRAIN_MS = 5
const LONGEST_DRAIN_MS = 100

/** Counters of sockets are read so often: those that are silent make room … */
const BYTES_EVERY_MS = 2_000
/** … and it takes at most this part of our time. */
const BYTES_SHARE = 0.02
const SHORTEST_RATE_MS = 500

const { sources: wanted, countBytes } = workerData as WorkerSettings
const diag = new SocketDiag()
const { sources, ebpf, held, missing } = openSources(new Set(wanted), {
  diag,
  clock: () => performance.now(),
  changed: () => tellHealth(),
  countBytes,
})
const tracking = openTracking()
const lookUp = new LookUp(new SocketFinder(diag, tracking), sources)
let drainMs = SHORTEST_DRAIN_MS
let drainTimer: NodeJS.Timeout | undefined
const bytes = bytesOf(ebpf) ?? bytesWithoutEbpf()
let bytesTimer: NodeJS.Timeout | undefined
let bytesReadAt = Number.NEGATIVE_INFINITY
const ringWatch = ebpf && watchReadable(ebpf.fd, drain)
let nextLookAt = 0
let timer: NodeJS.Timeout | undefined
let toldHealth = ''

parentPort?.on('message', (request: Request) => {
  if (request.kind === 'look-up') answer(lookUp.ask(request.keys, performance.now()))
  if (request.kind === 'list') list()
  if (request.kind === 'bytes') tellBytes()
  if (request.kind === 'take-bytes') takeBytes(request.end)
  if (request.kind === 'stop') stop()
})
tellHealth()
if (ebpf) drain()
if (bytes) readBytes()

/** Half full, the ring wakes us at once. */
function drain(): void {
  clearTimeout(drainTimer)
  const events = ebpf?.owners.drain(performance.now()) ?? 0
  drainMs = events > 0 ? SHORTEST_DRAIN_MS : Math.min(LONGEST_DRAIN_MS, drainMs * 2)
  drainTimer = setTimeout(drain, drainMs)
}

function answer(answers: readonly OwnerAnswer[]): void {
  if (answers.length > 0) tell({ kind: 'answers', answers })
  if (lookUp.isWaiting) timer ??= setTimeout(lookLong, Math.max(0, nextLookAt - performance.now()))
}

function lookLong(): void {
  timer = undefined
  const startedAt = performance.now()
  const answers = lookUp.refresh(startedAt)
  const endedAt = performance.now()
  nextLookAt = endedAt + Math.min(MAX_PAUSE_MS, Math.max(PAUSE_MS, (endedAt - startedAt) * PAUSE_PER_COST))
  tellHealth()
  answer(answers)
}

function list(): void {
  const table = new SocketTable()
  diag.fill(table, { withTimeWait: true })
  const sockets = lookUp.list(table, performance.now())
  parentPort?.postMessage({ kind: 'list', sockets } satisfies Report, buffersOf(sockets))
  tellHealth()
}

function bytesOf(opened: typeof ebpf): ProgramBytesBook | undefined {
  if (!opened?.counters) return undefined
  const { counters, owners } = opened
  const parts = {
    source: counters.counts,
    counters,
    programOf: owners.programOf.bind(owners),
    search: (sockets: ReadonlyMap<bigint, SocketBytes>, now: number) =>
      searchPrograms(sockets, { diag, lookUp, netns: ownNamespace(), now }),
  }
  return new ProgramBytesBook(parts, performance.now())
}

/** What TCP sockets say of themselves; of one that has ended, its owner is known if its first packet was held. */
function bytesWithoutEbpf(): ProgramBytesBook | undefined {
  const counters = openTcpBytes()
  if (!counters) return undefined
  const parts = {
    source: 'sockets' as const,
    counters,
    programOf(cookie: bigint, _bytes: SocketBytes, now: number) {
      const socket = counters.of(cookie)
      const found = socket && { inode: socket.inode, cookie, uid: 0, match: 'own' as const }
      const owner = found && lookUp.atOnce(socket.key, found, now)
      return owner && programKeyOf(owner)
    },
    search: (sockets: ReadonlyMap<bigint, SocketBytes>, now: number) =>
      searchPrograms(sockets, { diag, lookUp, netns: ownNamespace(), now }),
  }
  return new ProgramBytesBook(parts, performance.now())
}

function openTracking(): ConnectionTracking | undefined {
  return capabilities().netAdmin ? new ConnectionTracking() : undefined
}

/** Without the right to hear of sockets that end, too much would be missing. */
function openTcpBytes(): TcpBytes | undefined {
  try {
    return capabilities().netAdmin ? new TcpBytes() : undefined
  } catch (refused) {
    if (refused instanceof KernelError) return undefined
    throw refused
  }
}

function readBytes(): void {
  const startedAt = performance.now()
  bytes?.read(startedAt)
  const tookMs = performance.now() - startedAt
  bytesTimer = setTimeout(readBytes, Math.max(BYTES_EVERY_MS, tookMs / BYTES_SHARE))
}

function tellBytes(): void {
  const now = performance.now()
  readFresh(now)
  tell({ kind: 'bytes', ...(bytes && { report: bytes.report(now) }) })
}

function readFresh(now: number): void {
  ebpf?.owners.drain(now)
  // Rates over less would be noise.
  if (now - bytesReadAt < SHORTEST_RATE_MS) return
  bytes?.read(now)
  bytesReadAt = now
}

function takeBytes(end: 'later' | 'end'): void {
  const now = performance.now()
  if (end === 'end') bytesReadAt = Number.NEGATIVE_INFINITY
  readFresh(now)
  tell({ kind: 'taken', ...(bytes && { taken: bytes.take(now, end) }) })
}

function stop(): void {
  clearTimeout(bytesTimer)
  bytes?.close()
  clearTimeout(timer)
  clearTimeout(drainTimer)
  ringWatch?.close()
  for (const source of sources) source.close()
  diag.close()
  tracking?.close()
  parentPort?.close()
}

function tellHealth(): void {
  const health = healthNow()
  const text = JSON.stringify(health)
  if (text === toldHealth) return
  toldHealth = text
  tell({ kind: 'health', health })
}

function healthNow(): PartHealth {
  if (diag.missing.size > 0) {
    const kinds = [...diag.missing].join(' and ')
    return {
      part: 'owners',
      state: 'degraded',
      reason: `this kernel does not list its ${kinds} sockets (sock_diag)`,
      remedy: [...diag.missing].map((kind) => `modprobe ${kind}_diag`).join('; '),
    }
  }
  const scan = sources.at(-1)?.health()
  if (scan && scan.state !== 'ok') return scan
  if (missing && !held?.isExact) {
    return {
      part: 'owners',
      state: 'degraded',
      reason: `programs that live a moment only are missed: ${missing.reason}${insteadOf(held)}`,
      remedy: missing.remedy,
    }
  }
  return (sources[0] as OwnerSource).health()
}

function insteadOf(queue: typeof held): string {
  const health = queue?.health()
  return health && health.state !== 'ok' ? `; ${health.reason}` : ''
}

function tell(report: Report): void {
  parentPort?.postMessage(report)
}

function buffersOf({ columns, ownerOf }: ListedSockets): ArrayBuffer[] {
  const arrays = Object.values(columns).filter((column) => ArrayBuffer.isView(column))
  return [...arrays, ownerOf].map((array) => array.buffer as ArrayBuffer)
}
