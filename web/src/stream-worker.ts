import type { LiveEvent } from '../../src/contract/schemas.ts'
import { KINDS, type Told } from './stream.ts'

/** Connections in one message: the page takes each in a task of its own, and draws between them. */
const AT_ONCE = 250

const tell = (told: Told): void => postMessage(told)

/** The event stream is read and decoded off the main thread: a busy second is megabytes of JSON. */
addEventListener('message', ({ data: url }: MessageEvent<string>) => {
  const source = new EventSource(url)
  source.onopen = () => tell({ kind: 'opened' })
  source.onerror = () => tell({ kind: 'lost', isOver: source.readyState === EventSource.CLOSED })
  for (const kind of KINDS) {
    source.addEventListener(kind, ({ data }: MessageEvent<string>) => {
      for (const event of inPieces(JSON.parse(data) as LiveEvent)) tell({ kind: 'event', event })
    })
  }
})

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
