import type {
  CountedMinute,
  CountedPeriod,
  ProgramBytesReport,
  ProgramCounts,
  TakenBytes,
} from '#model/program-bytes.ts'
import type { CountedRequest, Store } from '#store/store.ts'
import { reportOf } from './counted.ts'

const MINUTE_MS = 60_000
/** The rest of a minute is summed up as the others. */
const MAX_PROGRAMS = 500
const OTHERS = '*'
/** What a disk refused for longer is lost. The store folds no minute that is younger. */
const KEPT_MS = 2 * 60 * MINUTE_MS

export interface ByteKeeperParts {
  readonly take: (end: 'later' | 'end') => Promise<TakenBytes | undefined>
  /** False: not kept, and handed in again. */
  readonly record: (minutes: readonly CountedMinute[]) => Promise<boolean>
  readonly now: () => number
}

/** Hands what the kernel counted of programs to the store. */
export interface ByteKeeper {
  /** Takes what was counted, and keeps it. Without an owners thread there is nothing to take. */
  keep(end?: 'later' | 'end'): Promise<void>
}

/** What the kernel counted, as people ask for it. */
export interface CountedBytes {
  /** Since the start; nothing where it does not count. */
  now(): Promise<ProgramBytesReport | undefined>
  over(request: CountedRequest): Promise<CountedPeriod>
  /** Either, as the API tells it. */
  report(period?: {
    readonly since?: number
    readonly until?: number
  }): Promise<ProgramBytesReport | undefined>
}

interface Minute extends CountedMinute {
  seconds: number
  readonly sums: Map<string, ProgramCounts>
  isKept: boolean
}

/**
 * Each minute is handed over as a whole, again and again while it grows: what is written twice changes nothing, and what was
 * not written comes with the next. So nothing counts twice, whatever dies in between.
 */
export function createByteKeeper({ take, record, now }: ByteKeeperParts): ByteKeeper {
  let run = now()
  let minutes: Minute[] = []
  /** One after the other. */
  let queue = Promise.resolve()

  function minuteOf({ source }: TakenBytes): Minute {
    const at = Math.floor(now() / MINUTE_MS) * MINUTE_MS
    const last = minutes.at(-1)
    if (last?.at === at && last.source === source) return last
    // The clock was set back: the minutes that come again are others than those that were written.
    if (last && last.at > at) run++
    const minute: Minute = { run, at, source, seconds: 0, programs: [], sums: new Map(), isKept: true }
    minutes.push(minute)
    return minute
  }

  function add(taken: TakenBytes): void {
    const minute = minuteOf(taken)
    minute.seconds += taken.seconds
    if (taken.programs.length > 0) minute.isKept = false
    for (const { program, ...counts } of taken.programs) {
      const name = minute.sums.has(program) || minute.sums.size < MAX_PROGRAMS ? program : OTHERS
      minute.sums.set(name, sum(minute.sums.get(name), { program: name, ...counts }))
    }
  }

  async function keepNow(end: 'later' | 'end'): Promise<void> {
    const taken = await take(end).catch(() => undefined)
    if (taken) add(taken)
    const current = minutes.at(-1)
    // That nothing was sent is written once the minute is over.
    const due = minutes.filter((minute) => !minute.isKept || minute !== current || end === 'end')
    if (due.length === 0) return
    for (const minute of due) minute.isKept = true
    const written = due.map(({ sums, isKept, ...minute }) => ({ ...minute, programs: [...sums.values()] }))
    if (!(await record(written).catch(() => false))) for (const minute of due) minute.isKept = false
    minutes = minutes.filter(
      (minute) => minute === current || (!minute.isKept && minute.at > now() - KEPT_MS),
    )
  }

  return {
    keep(end = 'later') {
      queue = queue.then(() => keepNow(end))
      return queue
    },
  }
}

const MOST_REPORTED = 500

/** What was counted up to now is part of every answer. */
export function createCountedBytes(parts: {
  readonly keeper: ByteKeeper
  readonly owners: { programBytes(): Promise<ProgramBytesReport | undefined> }
  readonly store: Pick<Store, 'counted'>
  readonly now: () => number
}): CountedBytes {
  const { keeper, owners, store, now } = parts
  const over = async (request: CountedRequest): Promise<CountedPeriod> => {
    await keeper.keep()
    return store.counted(request)
  }
  return {
    now: () => owners.programBytes(),
    over,
    async report(period) {
      if (!period) return owners.programBytes()
      return reportOf(await over({ ...period, limit: MOST_REPORTED, now: now() }))
    },
  }
}

const sum = (a: ProgramCounts | undefined, b: ProgramCounts): ProgramCounts =>
  a === undefined
    ? b
    : {
        program: b.program,
        sentBytes: a.sentBytes + b.sentBytes,
        sentPackets: a.sentPackets + b.sentPackets,
        receivedBytes: a.receivedBytes + b.receivedBytes,
        receivedPackets: a.receivedPackets + b.receivedPackets,
      }
