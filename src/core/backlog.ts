/** What waits to be looked at, worked off in slices: between two slices first findings have their turn. */
export interface Backlog<Thing> {
  /** Settles when all of these were looked at: who sends them waits for that, so the backlog stays short. */
  take(things: readonly Thing[]): Promise<void>
  /** Works off what is left, at once. */
  finish(): void
}

interface Waiting<Thing> {
  readonly things: readonly Thing[]
  at: number
  readonly done: () => void
}

/**
 * `see` is given the things in the order in which they came.
 *
 * @param slice how many are 0.5 ms of work, so that a finding that comes meanwhile does not wait longer
 */
export function createBacklog<Thing>(see: (things: readonly Thing[]) => void, slice: number): Backlog<Thing> {
  const waiting: Waiting<Thing>[] = []
  let next: NodeJS.Immediate | undefined

  function work(size: number): void {
    const first = waiting[0]
    if (!first) return
    see(first.things.slice(first.at, first.at + size))
    first.at += size
    if (first.at < first.things.length) return
    waiting.shift()
    first.done()
  }

  function workOn(): void {
    next = undefined
    work(slice)
    if (waiting.length > 0) next ??= setImmediate(workOn)
  }

  return {
    take(things) {
      if (things.length === 0) return Promise.resolve()
      next ??= setImmediate(workOn)
      return new Promise((done) => void waiting.push({ things, at: 0, done }))
    },
    finish() {
      clearImmediate(next)
      next = undefined
      while (waiting.length > 0) work(Number.MAX_SAFE_INTEGER)
    },
  }
}
