/** Hot: runs per TCP packet with data. Allocates nothing. */
import type { Packet } from '#model/packet.ts'

const word = (text: string): number =>
  (text.charCodeAt(0) << 24) | (text.charCodeAt(1) << 16) | (text.charCodeAt(2) << 8) | text.charCodeAt(3) | 0

const GET = word('GET ')
const POST = word('POST')
const HEAD = word('HEAD')
const PUT = word('PUT ')
const DELETE = word('DELE')
const OPTIONS = word('OPTI')
const PATCH = word('PATC')
const HTTP = word('HTTP')
/** First letters of the requests. */
export const REQUEST_INITIALS = 'GPHDO'
/** `GET / HTTP/1.1` is 14 bytes. */
const SHORTEST = 14
/** `HTTP/1.1 401`: where the status begins. */
const STATUS_AT = 9
const ZERO = 48

/** True when the data of a packet begins like a request of HTTP/1 (RFC 9112 §3). */
export function isHttpRequest(packet: Packet): boolean {
  const start = packet.payloadStart
  if (packet.payloadEnd - start < SHORTEST) return false
  switch (packet.view.getInt32(start)) {
    case GET:
    case POST:
    case HEAD:
    case PUT:
    case DELETE:
    case OPTIONS:
    case PATCH:
      return true
    default:
      return false
  }
}

/** The status with which the data of a packet begins (RFC 9112 §4); 0 when it does not. */
export function httpStatus(packet: Packet): number {
  const start = packet.payloadStart
  if (packet.payloadEnd - start < SHORTEST || packet.view.getInt32(start) !== HTTP) return 0
  const { view } = packet
  const at = start + STATUS_AT
  const status =
    (view.getUint8(at) - ZERO) * 100 + (view.getUint8(at + 1) - ZERO) * 10 + view.getUint8(at + 2) - ZERO
  return status >= 100 && status <= 599 ? status : 0
}
