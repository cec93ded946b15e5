import type { LiveEvent } from '../../src/contract/schemas.ts'
import type { Ordered, Told } from './stream.ts'
import { createEventReader } from './stream-text.ts'

/** Connections in one message: the page takes each in a task of its own, and draws between them. */
const AT_ONCE = 250

const tell = (told: Told): void => postMessage(told)

/** The event stream is read and decoded off the main thread: a busy second is megabytes of JSON. */
addEventListener('message', ({ data }: MessageEvent<Ordered>) => {
  follow(data).then(
    () => tell({ kind: 'lost' }),
    () => tell({ kind: 'lost' }),
  )
})

/** An EventSource would do, but says nothing of a line that hangs, and cannot go on where another one ended. */
async function follow({ url, after }: Ordered): Promise<void> {
  const headers = { accept: 'text/event-stream', ...(after !== undefined && { 'last-event-id': after }) }
  const answer = await fetch(url, { headers, cache: 'no-store', credentials: 'same-origin' })
  if (!answer.ok || !answer.body) return
  tell({ kind: 'opened' })
  const take = createEventReader(({ id, data }) => {
    if (data === undefined) tell({ kind: 'event', ...(id !== undefined && { id }) })
    else tellInPieces(JSON.parse(data) as LiveEvent, id)
  })
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read())
    take(value ?? '')
}

/** The id comes with the last piece: who lost the stream between two of them is told the event again. */
function tellInPieces(event: LiveEvent, id: string | undefined): void {
  const pieces = [...inPieces(event)]
  for (const [at, piece] of pieces.entries()) {
    tell({ kind: 'event', event: piece, ...(at === pieces.length - 1 && id !== undefined && { id }) })
  }
}

function* inPieces(event: LiveEvent): Generator<LiveEvent> {
  if (event.kind !== 'connections' || event.changed.length <= AT_ONCE) {
    yield event
    return
  }
  const { kind, changed, gone } = event
  for (let at = 0; at < changed.length; at += AT_ONCE) {
    yield { kind, changed: changed.slice(at, at + AT_ONCE), gone: at === 0 ? gone : [] }
  }
}
