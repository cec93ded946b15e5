import { MORE, NO_NAME, type Reading } from './reading.ts'
import { hostName, MAX_NAME_BYTES, textOf } from './wire-name.ts'

const HANDSHAKE_RECORD = 22
const CLIENT_HELLO = 1
const RECORD_HEADER = 5
const HANDSHAKE_HEADER = 4
/** Then follow version and random. */
const BEFORE_SESSION = RECORD_HEADER + HANDSHAKE_HEADER + 2 + 32
const SERVER_NAME = 0
const HOST_NAME = 0
/** RFC 8446 §5.1: 2^14 bytes of plain text. */
const MAX_RECORD = 16_384
const MAX_EXTENSIONS = 64

/** True for bytes that may begin a TLS connection: a handshake record of TLS 1.0 or later. */
export const looksLikeTls = (view: DataView, start: number, end: number): boolean =>
  view.getUint8(start) === HANDSHAKE_RECORD && (end - start < 2 || view.getUint8(start + 1) === 3)

/**
 * The server name of a ClientHello (RFC 6066 §3, RFC 8446 §4.1.2) whose first record begins at `start`. Reads what is
 * there: a name before a cut is found, else more is asked for. Of several records only the first is read: joinRecords.
 */
export function readServerName(view: DataView, start: number, end: number): Reading {
  if (view.getUint8(start) !== HANDSHAKE_RECORD) return NO_NAME
  if (end - start < RECORD_HEADER + HANDSHAKE_HEADER) return MORE
  const recordLength = view.getUint16(start + 3)
  if (view.getUint8(start + RECORD_HEADER) !== CLIENT_HELLO || recordLength > MAX_RECORD) return NO_NAME
  const limit = start + RECORD_HEADER + recordLength
  const extensions = extensionsAt(view, start, Math.min(end, limit))
  const reading =
    extensions === undefined ? NO_NAME : inExtensions(view, extensions, { seen: Math.min(end, limit), limit })
  if (reading.state !== 'none') return reading
  const helloLength = HANDSHAKE_HEADER + (view.getUint32(start + RECORD_HEADER) & 0xff_ffff)
  const isCut = extensions === undefined && limit > end
  return isCut || (helloLength > recordLength && helloLength <= MAX_RECORD) ? MORE : NO_NAME
}

/** Where the list of extensions begins: after session id, cipher suites and compression methods. */
function extensionsAt(view: DataView, start: number, end: number): number | undefined {
  let at = start + BEFORE_SESSION
  if (at + 1 > end) return undefined
  at += 1 + view.getUint8(at)
  if (at + 2 > end) return undefined
  at += 2 + view.getUint16(at)
  if (at + 1 > end) return undefined
  at += 1 + view.getUint8(at)
  return at + 2 > end ? undefined : at
}

/** `seen`: the bytes that came. `limit`: where the record ends. */
function inExtensions(
  view: DataView,
  from: number,
  { seen, limit }: { seen: number; limit: number },
): Reading {
  const last = Math.min(limit, from + 2 + view.getUint16(from))
  let at = from + 2
  for (let count = 0; count < MAX_EXTENSIONS && at + 4 <= last; count++) {
    if (at + 4 > seen) return MORE
    const length = view.getUint16(at + 2)
    const end = at + 4 + length
    if (end > last) return NO_NAME
    if (view.getUint16(at) === SERVER_NAME) return end > seen ? MORE : inServerName(view, at + 4, end)
    at = end
  }
  return NO_NAME
}

function inServerName(view: DataView, start: number, end: number): Reading {
  let at = start + 2
  while (at + 3 <= end) {
    const length = view.getUint16(at + 1)
    const from = at + 3
    if (from + length > end) return NO_NAME
    if (view.getUint8(at) === HOST_NAME) {
      const name = length > MAX_NAME_BYTES ? undefined : hostName(textOf(view, from, from + length))
      return name === undefined ? NO_NAME : { state: 'found', name }
    }
    at = from + length
  }
  return NO_NAME
}

/**
 * Joins the handshake records in `bytes`, so that a ClientHello in several of them (RFC 8446 §5.1) reads as if it
 * came in one: headers after the first are closed up, and the first says the whole length. Answers how many bytes
 * are left. For bytes that are ours to change.
 */
export function joinRecords(bytes: Uint8Array, length: number): number {
  let end = length
  let at = RECORD_HEADER + lengthAt(bytes, 3)
  let joined = lengthAt(bytes, 3)
  while (at + RECORD_HEADER <= end && bytes[at] === HANDSHAKE_RECORD) {
    const more = lengthAt(bytes, at + 3)
    if (more === 0 || joined + more > MAX_RECORD) break
    bytes.copyWithin(at, at + RECORD_HEADER, end)
    end -= RECORD_HEADER
    joined += more
    at += more
  }
  bytes[3] = joined >>> 8
  bytes[4] = joined & 255
  return end
}

const lengthAt = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
