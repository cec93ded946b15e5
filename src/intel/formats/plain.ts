import type { LineFormat, Sink } from './format.ts'
import { rangesBetween } from './ranges-between.ts'

const ENTRY = /^([0-9a-f.:]+(?:\/\d{1,3})?)(?:\s*-\s*([0-9a-f.:]+))?(?:\s+(\d{1,4}))?\s*(?:[\s,;#].*)?$/i

/**
 * One address, range or `first-last` a line, with comments behind `#` or `;`: FireHOL netset, blocklist.de, Emerging
 * Threats, Tor exits. IPsum adds how many lists hold the address.
 */
export const plain: LineFormat = {
  shape: 'lines',
  open: (sink) => (line) => {
    const text = line.trim()
    if (text === '' || /^[#;]|^\/\//.test(text)) return
    const [, first, last, times] = ENTRY.exec(text) ?? []
    if (first === undefined) sink.misfit()
    else if (last !== undefined) takeSpan(sink, first, last)
    else sink.take({ kind: 'target', value: first, ...(times !== undefined && heldBy(Number(times))) })
  },
}

function takeSpan(sink: Sink, first: string, last: string): void {
  const ranges = rangesBetween(first, last)
  if (ranges === undefined) sink.misfit()
  else for (const value of ranges) sink.take({ kind: 'target', value })
}

/** The more lists agree the surer it is: 1 of them 55, 5 of them 75, 10 of them 100. */
const heldBy = (times: number) => ({ confidence: Math.min(100, 50 + 5 * times), reason: `on ${times} lists` })
