import type { LiveEvent } from '../../src/contract/schemas.ts'

/** What the worker says of the stream; a lone `id` tells where it stands before the first event. */
export type Told =
  | { readonly kind: 'opened' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'event'; readonly event?: LiveEvent; readonly id?: string }

/** What the worker is to open. */
export interface Ordered {
  readonly url: string
  /** The last event that is known. */
  readonly after?: string
}

/** The event stream of the daemon. It is opened once: whoever lost it opens another. */
export interface Stream {
  readonly isOver: boolean
  close(): void
}

interface Hearers {
  opened(): void
  lost(): void
  /** `id` where all of the event has been told. */
  event(event: LiveEvent | undefined, id: string | undefined): void
}

/** Opens the stream in a worker, from after an event on; events come decoded, in order, and in small pieces. */
export function openStream(url: string, after: string | undefined, hearers: Hearers): Stream {
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
    if (told.kind === 'event') hearers.event(told.event, told.id)
    else if (told.kind === 'opened') hearers.opened()
    else hearers.lost()
  }
  const ordered: Ordered = { url: new URL(url, location.href).href, ...(after !== undefined && { after }) }
  worker.postMessage(ordered)
  return stream
}
