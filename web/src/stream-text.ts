/** One event of the stream as it is written there; without data it tells an id alone. */
export interface WrittenEvent {
  readonly id?: string
  readonly data?: string
}

/**
 * Reads an event stream (WHATWG HTML, server-sent events) piece by piece, however it is cut. Of its fields only `id`
 * and `data` are used: our events say their kind within, and what is retried when is up to the page.
 */
export function createEventReader(hear: (event: WrittenEvent) => void): (piece: string) => void {
  let waiting = ''
  return (piece) => {
    const blocks = `${waiting}${piece}`.split('\n\n')
    waiting = blocks.pop() ?? ''
    for (const block of blocks) {
      const event = eventIn(block)
      if (event) hear(event)
    }
  }
}

function eventIn(block: string): WrittenEvent | undefined {
  const id = fieldOf(block, 'id').at(-1)
  const data = fieldOf(block, 'data')
  if (id === undefined && data.length === 0) return undefined
  return { ...(id !== undefined && { id }), ...(data.length > 0 && { data: data.join('\n') }) }
}

const fieldOf = (block: string, name: string): string[] =>
  block.split('\n').flatMap((line) => (line.startsWith(`${name}: `) ? [line.slice(name.length + 2)] : []))
