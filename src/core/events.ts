import type { LiveEvent } from '#contract/schemas.ts'

/** Passes live events on to whoever listens: each event stream of the API. */
export interface Events {
  readonly subscribe: (listener: (event: LiveEvent) => void) => () => void
  send(event: LiveEvent): void
  readonly listeners: number
}

export function createEvents(): Events {
  const listeners = new Set<(event: LiveEvent) => void>()
  return {
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    send(event) {
      for (const listener of listeners) listener(event)
    },
    get listeners() {
      return listeners.size
    },
  }
}
