import type { ByteCounters, SocketBytes } from '#kernel/bpf/byte-counters.ts'
import type { BytesSource, ProgramBytes, ProgramBytesReport, TakenBytes } from '#model/program-bytes.ts'

export interface ProgramBytesParts {
  readonly source: BytesSource
  readonly counters: Pick<ByteCounters, 'cookies' | 'of' | 'take' | 'overflow' | 'room' | 'close'>
  /** What is known of a socket at once. */
  readonly programOf: (cookie: bigint, bytes: SocketBytes, now: number) => string | undefined
  /** Looks for the programs of these, whatever it takes; asked rarely. */
  readonly search: (sockets: ReadonlyMap<bigint, SocketBytes>, now: number) => ReadonlyMap<bigint, string>
}

type Counts = Pick<SocketBytes, 'sentBytes' | 'sentPackets' | 'receivedBytes' | 'receivedPackets'>

interface KnownSocket {
  /** What the kernel has counted so far. */
  seen: SocketBytes
  /** Of that, what no program has been given yet. */
  pending: Counts
  program: string | undefined
  searches: number
  changedAt: number
}

interface Sums extends Counts {
  readonly sendRate: number
  readonly receiveRate: number
}

const NOTHING: Counts = { sentBytes: 0, sentPackets: 0, receivedBytes: 0, receivedPackets: 0 }
const NOBODY = ''
const OTHERS = '*'
const MAX_PROGRAMS = 4_096
/** A socket that was silent for so long gives up its counters; they begin anew should it speak. */
const SILENT_MS = 60_000
const SILENT_IN_A_RUSH_MS = 5_000
const SEARCH_EVERY_MS = 5_000
/** Of another network namespace and from before our time, for example: nobody can say. */
const MAX_SEARCHES = 3

/** Gives the bytes of sockets to their programs. A socket whose program is found late brings all that it had. */
export class ProgramBytesBook {
  readonly #parts: ProgramBytesParts
  readonly #sockets = new Map<bigint, KnownSocket>()
  readonly #programs = new Map<string, Sums>()
  readonly #startedAt: number
  #overflow = NOTHING
  #fresh = new Map<string, Counts>()
  /** Since `take`. */
  #untaken = new Map<string, Counts>()
  #takenAt: number
  #readAt: number
  #searchAt = Number.NEGATIVE_INFINITY

  constructor(parts: ProgramBytesParts, now: number) {
    this.#parts = parts
    this.#startedAt = now
    this.#readAt = now
    this.#takenAt = now
  }

  /** Takes in what was counted since the last time. `now` is monotonic, in milliseconds. */
  read(now: number): void {
    const { counters } = this.#parts
    this.#fresh = new Map()
    const cookies = counters.cookies()
    const silentMs = cookies.length > counters.room / 2 ? SILENT_IN_A_RUSH_MS : SILENT_MS
    for (const cookie of cookies) this.#readSocket(cookie, now, silentMs)
    const overflow = counters.overflow()
    this.#give(NOBODY, difference(overflow, this.#overflow))
    this.#overflow = overflow
    this.#searchUnknown(now)
    this.#setRates(now)
  }

  /** As the last `read` left it; what has no program yet is `''` for now. */
  report(now: number): ProgramBytesReport {
    const waiting = [...this.#sockets.values()].reduce((sum, { pending }) => add(sum, pending), NOTHING)
    const nobody = this.#programs.get(NOBODY) ?? { ...NOTHING, sendRate: 0, receiveRate: 0 }
    const all = new Map(this.#programs).set(NOBODY, { ...nobody, ...add(nobody, waiting) })
    const programs = [...all]
      .filter(([, { sentPackets, receivedPackets }]) => sentPackets + receivedPackets > 0)
      .map(([program, sums]): ProgramBytes => ({ program, ...sums }))
      .sort((a, b) => b.sentBytes + b.receivedBytes - a.sentBytes - a.receivedBytes)
    return { source: this.#parts.source, seconds: (now - this.#startedAt) / 1_000, programs }
  }

  /**
   * What was given to programs since the last time; what has no program yet comes later. At the `end` nothing comes later:
   * it is nobody's.
   */
  take(now: number, end: 'later' | 'end'): TakenBytes {
    if (end === 'end') {
      for (const socket of this.#sockets.values()) {
        socket.program ??= NOBODY
        this.#settle(socket)
      }
    }
    const programs = [...this.#untaken].map(([program, counts]) => ({ program, ...counts }))
    const seconds = (now - this.#takenAt) / 1_000
    this.#untaken = new Map()
    this.#takenAt = now
    return { source: this.#parts.source, seconds, programs }
  }

  close(): void {
    this.#parts.counters.close()
  }

  #readSocket(cookie: bigint, now: number, silentMs: number): void {
    const bytes = this.#parts.counters.of(cookie)
    if (!bytes) return
    const known = this.#sockets.get(cookie) ?? {
      seen: { ...bytes, ...NOTHING },
      pending: NOTHING,
      program: undefined,
      searches: 0,
      changedAt: now,
    }
    this.#sockets.set(cookie, known)
    if (this.#grow(known, bytes)) known.changedAt = now
    known.program ??= this.#parts.programOf(cookie, bytes, now)
    this.#settle(known)
    if (now - known.changedAt > silentMs) this.#letGo(cookie, known)
  }

  /** Between the last look and this one it may have spoken: what is taken counts. */
  #letGo(cookie: bigint, known: KnownSocket): void {
    const last = this.#parts.counters.take(cookie)
    if (last) this.#grow(known, last)
    known.program ??= NOBODY
    this.#settle(known)
    this.#sockets.delete(cookie)
  }

  #grow(known: KnownSocket, bytes: SocketBytes): boolean {
    const more = difference(bytes, known.seen)
    known.seen = bytes
    known.pending = add(known.pending, more)
    return more.sentPackets + more.receivedPackets > 0
  }

  #settle(known: KnownSocket): void {
    if (known.program === undefined) return
    this.#give(known.program, known.pending)
    known.pending = NOTHING
  }

  #give(program: string, more: Counts): void {
    if (more.sentPackets + more.receivedPackets === 0) return
    const hasRoom = this.#programs.has(program) || this.#programs.size < MAX_PROGRAMS
    const name = hasRoom ? program : OTHERS
    const sums = this.#programs.get(name) ?? { ...NOTHING, sendRate: 0, receiveRate: 0 }
    this.#programs.set(name, { ...sums, ...add(sums, more) })
    this.#fresh.set(name, add(this.#fresh.get(name) ?? NOTHING, more))
    this.#untaken.set(name, add(this.#untaken.get(name) ?? NOTHING, more))
  }

  #searchUnknown(now: number): void {
    if (now - this.#searchAt < SEARCH_EVERY_MS) return
    const unknown = [...this.#sockets].filter(([, { program }]) => program === undefined)
    if (unknown.length === 0) return
    this.#searchAt = now
    const found = this.#parts.search(new Map(unknown.map(([cookie, { seen }]) => [cookie, seen])), now)
    for (const [cookie, socket] of unknown) {
      socket.program = found.get(cookie) ?? (++socket.searches >= MAX_SEARCHES ? NOBODY : undefined)
      this.#settle(socket)
    }
  }

  #setRates(now: number): void {
    const seconds = Math.max(0.001, (now - this.#readAt) / 1_000)
    this.#readAt = now
    for (const [program, sums] of this.#programs) {
      const { sentBytes, receivedBytes } = this.#fresh.get(program) ?? NOTHING
      this.#programs.set(program, {
        ...sums,
        sendRate: sentBytes / seconds,
        receiveRate: receivedBytes / seconds,
      })
    }
  }
}

const add = (a: Counts, b: Counts): Counts => ({
  sentBytes: a.sentBytes + b.sentBytes,
  sentPackets: a.sentPackets + b.sentPackets,
  receivedBytes: a.receivedBytes + b.receivedBytes,
  receivedPackets: a.receivedPackets + b.receivedPackets,
})

const difference = (now: Counts, before: Counts): Counts => ({
  sentBytes: now.sentBytes - before.sentBytes,
  sentPackets: now.sentPackets - before.sentPackets,
  receivedBytes: now.receivedBytes - before.receivedBytes,
  receivedPackets: now.receivedPackets - before.receivedPackets,
})
