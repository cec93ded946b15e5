import { BoundedMap } from '#lib/bounded-map.ts'
import type { Turns } from '#lib/turns.ts'
import type { Ip } from '#model/address.ts'
import type { CallHome, Opening } from '#model/call-home.ts'
import type { Connection } from '#model/flow.ts'
import { programKeyOf } from '#model/summary.ts'

/** So many openings tell a habit from chance. */
const MIN_OPENINGS = 6
const MAX_OPENINGS = 48
const CAPACITY = 4_000
/** Quicker than this is not calling home but working. */
const MIN_INTERVAL_MS = 5_000
/** At most this part of the interval may the middle one of all deviations be … */
const MAX_JITTER = 0.15
/** … and so many of the intervals have to be near the usual one, or near twice it where one was missed. */
const MIN_REGULAR = 0.8
const NEAR = 0.3
/**
 * Or, of so many openings, all but a tenth of the intervals at either end lie within a narrow span: a timer that is
 * scattered on purpose. What people do is spread far wider: of intervals by chance (exponential) it is twenty times.
 */
const MIN_SCATTERED = 24
const MOST_SPAN = 3
const TAIL = 0.1

interface Habit {
  readonly program: string
  readonly peer: Ip
  readonly port: number
  readonly openedAt: number[]
}

/** Keeps when programs opened connections to whom. Bounded: beyond it the quietest habits make room. */
export interface CallHomeBook {
  see(connections: readonly Connection[]): void
  /** Takes in what an earlier run saw. */
  recall(openings: readonly Opening[]): void
  /** The most regular first. */
  found(): CallHome[]
  /** The same, without keeping others waiting. */
  findInTurns(turns: Turns): Promise<CallHome[]>
}

export function createCallHomeBook(capacity = CAPACITY): CallHomeBook {
  const habits = new BoundedMap<string, Habit>(capacity)
  let newestAt = 0

  function see(connection: Connection): void {
    const { owner, peer, peerPort, openedAt, direction } = connection
    if (!owner || direction !== 'outbound') return
    noteOpening({ program: programKeyOf(owner), peer, port: peerPort, openedAt })
  }

  function noteOpening({ program, peer, port, openedAt }: Opening): void {
    newestAt = Math.max(newestAt, openedAt)
    const key = `${peer} ${port} ${program}`
    const create = (): Habit => ({ program, peer, port, openedAt: [] })
    const habit = habits.getOrCreate(key, create) ?? makeRoom(key, create)
    if (habit) note(habit.openedAt, openedAt)
  }

  /** What was opened once, or not for long, is no habit. */
  function makeRoom(key: string, create: () => Habit): Habit | undefined {
    const isStale = ({ openedAt }: Habit): boolean => {
      const [last = 0, before = Number.NEGATIVE_INFINITY] = [openedAt.at(-1), openedAt.at(-2)]
      return newestAt - last > Math.max(60_000, 4 * Math.min(last - before, 86_400_000))
    }
    habits.deleteWhere(isStale)
    return habits.getOrCreate(key, create)
  }

  return {
    see: (connections) => connections.forEach(see),
    recall: (openings) => openings.forEach(noteOpening),
    found() {
      const found: CallHome[] = []
      for (const habit of habits.values()) {
        const callHome = callHomeOf(habit)
        if (callHome) found.push(callHome)
      }
      return found.sort(mostRegularFirst)
    },
    async findInTurns(turns) {
      const found: CallHome[] = []
      for (const habit of [...habits.values()]) {
        const callHome = callHomeOf(habit)
        if (callHome) found.push(callHome)
        await turns.rest()
      }
      return found.sort(mostRegularFirst)
    },
  }
}

const mostRegularFirst = (a: CallHome, b: CallHome): number => a.jitter - b.jitter || b.openings - a.openings

/** Reports of one flow repeat its opening; a late report comes in at its place. */
function note(times: number[], at: number): void {
  let place = times.length
  while (place > 0 && (times[place - 1] as number) > at) place--
  if (times[place - 1] === at) return
  times.splice(place, 0, at)
  if (times.length > MAX_OPENINGS) times.shift()
}

function callHomeOf({ program, peer, port, openedAt }: Habit): CallHome | undefined {
  if (openedAt.length < MIN_OPENINGS) return undefined
  const intervals = openedAt.slice(1).map((at, index) => at - (openedAt[index] as number))
  const intervalMs = middleOf(intervals)
  if (intervalMs < MIN_INTERVAL_MS) return undefined
  const deviations = intervals.map((interval) => deviationOf(interval, intervalMs))
  const jitter = middleOf(deviations) / intervalMs
  const regular = deviations.filter((deviation) => deviation <= NEAR * intervalMs).length / deviations.length
  if ((jitter > MAX_JITTER || regular < MIN_REGULAR) && !isScattered(intervals)) return undefined
  return {
    program,
    peer,
    port,
    openings: openedAt.length,
    intervalMs,
    jitter,
    firstAt: openedAt[0] as number,
    lastAt: openedAt.at(-1) as number,
  }
}

/** From the usual interval, or from twice that: then one call was missed. */
const deviationOf = (interval: number, usual: number): number =>
  Math.min(Math.abs(interval - usual), Math.abs(interval - 2 * usual))

function isScattered(intervals: readonly number[]): boolean {
  if (intervals.length + 1 < MIN_SCATTERED) return false
  return shareOf(intervals, 1 - TAIL) <= shareOf(intervals, TAIL) * MOST_SPAN
}

const middleOf = (values: readonly number[]): number => shareOf(values, 0.5)

/** The value that such a share of them is below. */
function shareOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length * share)] ?? 0
}
