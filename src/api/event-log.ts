import type { LiveEvent } from '#contract/schemas.ts'

/** One event as the stream sends it; the text is written when first asked for, then kept. */
export interface LoggedEvent {
  readonly id: number
  text(): string
}

/** The last events, so that a page that lost the stream for a moment misses nothing. */
export interface EventLog {
  readonly lastId: number
  /** Events after `id`, oldest first; undefined when some of them are forgotten or `id` is of another run. */
  after(id: number): readonly LoggedEvent[] | undefined
  subscribe(listener: (event: LoggedEvent) => void): () => void
  add(event: LiveEvent): void
}

/** Rows (not events) that the log keeps: a busy second may hold thousands. */
const ROW_LIMIT = 20_000

/** Ids count up from `firstId`; a later run must start above any id of an earlier one. */
export function createEventLog(firstId: number, rowLimit = ROW_LIMIT): EventLog {
  const kept: { readonly event: LoggedEvent; readonly rows: number }[] = []
  const listeners = new Set<(event: LoggedEvent) => void>()
  let rows = 0
  let lastId = firstId - 1

  return {
    get lastId() {
      return lastId
    },
    after(id) {
      const oldest = kept[0]?.event.id ?? lastId + 1
      if (id > lastId || id < oldest - 1) return undefined
      return kept.slice(id - oldest + 1).map((entry) => entry.event)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    add(event) {
      const logged = loggedEvent(++lastId, event)
      kept.push({ event: logged, rows: rowsOf(event) })
      rows += rowsOf(event)
      while (rows > rowLimit && kept.length > 1) rows -= kept.shift()?.rows ?? 0
      for (const listener of listeners) listener(logged)
    },
  }
}

function loggedEvent(id: number, event: LiveEvent): LoggedEvent {
  let text: string | undefined
  return {
    id,
    text() {
      text ??= eventText(id, event)
      return text
    },
  }
}

/** One event of the stream (WHATWG HTML, server-sent events). JSON has no raw newline, so one data line. */
export const eventText = (id: number, event: LiveEvent): string =>
  `id: ${id}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`

function rowsOf(event: LiveEvent): number {
  if (event.kind === 'connections') return 1 + event.changed.length + event.gone.length / 16
  if (event.kind === 'blocks') return 1 + event.blocks.length
  return 1
}
