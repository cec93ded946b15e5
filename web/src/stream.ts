import type { LiveEvent } from '../../src/contract/schemas.ts'

export const KINDS: readonly LiveEvent['kind'][] = [
  'status',
  'connections',
  'alert',
  'blocks',
  'decision',
  'rules',
  'reset',
]

/** What the worker says of the stream. `isOver`: the browser will not try again by itself. */
export type Told =
  | { readonly kind: 'opened' }
  | { readonly kind: 'lost'; readonly isOver: boolean }
  | { readonly kind: 'event'; readonly event: LiveEvent }

/** The event stream of the daemon. */
export interface Stream {
  readonly isOver: boolean
  close(): void
}

interface Hearers {
  opened(): void
  lost(stream: Stream): void
  event(event: LiveEvent): void
}

/** Opens the stream in a worker; events come decoded, in order, and in small pieces. */
export function openStream(url: string, hearers: Hearers): Stream {
  const worker = new Worker(new URL('./stream-worker.ts', import.meta.url), { type: 'module' })
  let isOver = false
  const stream: Stream = {
    get isOver() {
      return isOver
    },
    close() {
      isOver = true
      worker.terminate()
    },
  }
  worker.onmessage = ({ data: told }: MessageEvent<Told>) => {
    if (told.kind === 'event') hearers.event(told.event)
    else if (told.kind === 'opened') hearers.opened()
    else {
      isOver = told.isOver
      hearers.lost(stream)
    }
  }
  worker.postMessage(new URL(url, location.href).href)
  return stream
}
