/** Made-up frames have no checksums; a kernel on their way drops them for that. Writes them, Ethernet and IPv4 only. */

const [IP_AT, ETHERTYPE_AT, IPV4] = [14, 12, 0x0800]
/** Where a protocol has its checksum (RFC 792, RFC 9293, RFC 768), and whether addresses count. */
const PLACES: Readonly<Record<number, { readonly at: number; readonly withAddresses: boolean }>> = {
  1: { at: 2, withAddresses: false },
  6: { at: 16, withAddresses: true },
  17: { at: 6, withAddresses: true },
}

export function withChecksums(frame: Uint8Array): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
  if (view.getUint16(ETHERTYPE_AT) !== IPV4) return frame
  const bodyAt = IP_AT + (view.getUint8(IP_AT) & 0x0f) * 4
  view.setUint16(IP_AT + 10, 0)
  view.setUint16(IP_AT + 10, checksum(view, { from: IP_AT, to: bodyAt, start: 0 }))
  const protocol = view.getUint8(IP_AT + 9)
  const place = PLACES[protocol]
  if (!place) return frame
  const pseudo = protocol + frame.length - bodyAt + sumOf(view, IP_AT + 12, IP_AT + 20)
  const start = place.withAddresses ? pseudo : 0
  view.setUint16(bodyAt + place.at, 0)
  view.setUint16(bodyAt + place.at, checksum(view, { from: bodyAt, to: frame.length, start }))
  return frame
}

interface Part {
  readonly from: number
  readonly to: number
  readonly start: number
}

/** RFC 1071. */
function checksum(view: DataView, { from, to, start }: Part): number {
  let sum = start + sumOf(view, from, to)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

function sumOf(view: DataView, from: number, to: number): number {
  let sum = 0
  for (let at = from; at + 1 < to; at += 2) sum += view.getUint16(at)
  return (to - from) % 2 === 1 ? sum + (view.getUint8(to - 1) << 8) : sum
}
