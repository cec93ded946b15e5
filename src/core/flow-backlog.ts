/** 0.5 ms of work when it is fresh, so that a finding that comes meanwhile does not wait longer. */
const SLICE = 20

/** Flows that wait to be looked at, worked off in slices: between two slices findings have their turn. */
export interface FlowBacklog<Flow> {
  /** Settles when all of these were looked at: who sends them waits for that, so the backlog stays short. */
  take(flows: readonly Flow[]): Promise<void>
  /** Works off what is left, at once. */
  finish(): void
}

interface Waiting<Flow> {
  readonly flows: readonly Flow[]
  at: number
  readonly done: () => void
}

/** `see` is given the flows in the order in which they came. */
export function createFlowBacklog<Flow>(see: (flows: readonly Flow[]) => void): FlowBacklog<Flow> {
  const waiting: Waiting<Flow>[] = []
  let next: NodeJS.Immediate | undefined

  function work(size: number): void {
    const first = waiting[0]
    if (!first) return
    see(first.flows.slice(first.at, first.at + size))
    first.at += size
    if (first.at < first.flows.length) return
    waiting.shift()
    first.done()
  }

  function workOn(): void {
    next = undefined
    work(SLICE)
    if (waiting.length > 0) next ??= setImmediate(workOn)
  }

  return {
    take(flows) {
      if (flows.length === 0) return Promise.resolve()
      next ??= setImmediate(workOn)
      return new Promise((done) => void waiting.push({ flows, at: 0, done }))
    },
    finish() {
      clearImmediate(next)
      next = undefined
      while (waiting.length > 0) work(Number.MAX_SAFE_INTEGER)
    },
  }
}
