import { type EventLog, eventText, type LoggedEvent } from './event-log.ts'

export interface StreamLimits {
  readonly heartbeatMs: number
  /** Characters that may wait for one client. */
  readonly backlogLimit: number
}

export const STREAM_LIMITS: StreamLimits = { heartbeatMs: 15_000, backlogLimit: 4_000_000 }

/**
 * The event stream of one client, from after `lastSeenId` (absent: from now). A client that reads too slowly is
 * sent `reset` instead of what it missed, and cut off: it comes back and reads everything again.
 * `onClosed` runs once, whoever ends it.
 */
export function openEventStream(
  log: EventLog,
  lastSeenId: number | undefined,
  limits: StreamLimits,
  onClosed: () => void,
): { readonly body: ReadableStream<Uint8Array>; close(): void } {
  const encoder = new TextEncoder()
  let waiting = opening(log, lastSeenId)
  let waitingLength = waiting.join('').length
  let wake: (() => void) | undefined
  let ending = false
  let isOverrun = false
  let closed = false

  const push = (text: string): void => {
    if (ending) return
    if (waitingLength + text.length > limits.backlogLimit) {
      waiting = []
      ending = true
      isOverrun = true
    } else waiting.push(text)
    waitingLength += text.length
    wake?.()
  }
  const unsubscribe = log.subscribe((event: LoggedEvent) => push(event.text()))
  const heartbeat = setInterval(() => push(': still here\n\n'), limits.heartbeatMs)
  heartbeat.unref()

  const close = (): void => {
    if (closed) return
    closed = true
    ending = true
    clearInterval(heartbeat)
    unsubscribe()
    wake?.()
    onClosed()
  }
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    while (waiting.length === 0 && !ending) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    if (isOverrun) waiting = [eventText(log.lastId, { kind: 'reset' })]
    if (waiting.length > 0) controller.enqueue(encoder.encode(waiting.join('')))
    waiting = []
    waitingLength = 0
    if (!ending) return
    close()
    controller.close()
  }
  return { body: new ReadableStream({ pull, cancel: close }, { highWaterMark: 0 }), close }
}

/** What a client gets at once. The lone `id` tells it where it stands before the first event arrives. */
function opening(log: EventLog, lastSeenId: number | undefined): string[] {
  const hello = `retry: 1000\nid: ${log.lastId}\n\n`
  if (lastSeenId === undefined) return [hello]
  const missed = log.after(lastSeenId)
  if (!missed) return [hello, eventText(log.lastId, { kind: 'reset' })]
  return missed.length > 0 ? missed.map((event) => event.text()) : [hello]
}
