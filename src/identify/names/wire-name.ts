/** Names as they come off the wire become text here: lower case, bounded, otherwise as they are. */

/** RFC 1035 §3.1. */
export const MAX_NAME_BYTES = 255
const MAX_LABEL_BYTES = 63
/** A label and its length take two bytes at least. */
const MAX_LABELS = 127
/** A pointer must lead backwards, so that no loop is possible; more than these no honest message has. */
const MAX_POINTERS = 16
const POINTER = 0xc0

const utf8 = new TextDecoder()

/** A name, and where the bytes after it begin. */
export interface WireName {
  readonly text: string
  readonly next: number
}

/** Where a DNS message lies. */
export interface Message {
  readonly view: DataView
  readonly start: number
  readonly end: number
}

/** Reads a name of a DNS message at `at` (RFC 1035 §4.1.4); undefined when it is cut off or cannot be. */
export function readDnsName(message: Message, at: number): WireName | undefined {
  const { view, start, end } = message
  const labels: string[] = []
  let next: number | undefined
  let from = at
  for (let pointers = 0; pointers <= MAX_POINTERS; pointers++) {
    const stop = readLabels(message, from, labels)
    if (stop === undefined) return undefined
    if (view.getUint8(stop) === 0)
      return bounded({ text: labels.join('.').toLowerCase(), next: next ?? stop + 1 })
    if (stop + 2 > end) return undefined
    next ??= stop + 2
    const target = start + (view.getUint16(stop) & 0x3fff)
    if (target >= from) return undefined
    from = target
  }
  return undefined
}

/** Escapes and U+FFFD make a text longer than its bytes: what no honest name reaches is refused. */
const bounded = (name: WireName): WireName | undefined =>
  name.text.length > MAX_NAME_BYTES ? undefined : name

/** Adds the labels from `at` on; answers where they end: at a zero byte or a pointer. */
function readLabels({ view, end }: Message, at: number, labels: string[]): number | undefined {
  for (let position = at; position < end; ) {
    const size = view.getUint8(position)
    if (size === 0 || size >= POINTER) return position
    const after = position + 1 + size
    if (size > MAX_LABEL_BYTES || after > end || labels.length >= MAX_LABELS) return undefined
    labels.push(escaped(textOf(view, position + 1, after)))
    position = after
  }
  return undefined
}

/** Within a label a dot is no border (RFC 1035 §5.1): unescaped, one label could pass itself off as a whole name. */
const escaped = (label: string): string => label.replace(/[.\\]/g, '\\$&')

/** Bytes as text; what is no UTF-8 becomes U+FFFD. */
export const textOf = (view: DataView, from: number, to: number): string =>
  utf8.decode(new Uint8Array(view.buffer, view.byteOffset + from, to - from))

/**
 * A host name as TLS and HTTP carry it: without port, lower case, without the dot at its end. Undefined for what is
 * no name: an address, nothing at all, or more than a name can hold.
 */
export function hostName(text: string): string | undefined {
  if (text.startsWith('[')) return undefined
  const name = text.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase()
  if (name === '' || name.length > MAX_NAME_BYTES || /^[\d.]+$/.test(name) || name.includes(':'))
    return undefined
  return name
}
