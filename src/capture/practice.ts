import { PROTOCOL, TCP } from '#model/packet.ts'
import { type FrameSink, LINK_TYPE } from './source.ts'

const SCANNERS = 150
const PORTS = 20
const BEGIN = 1_000_000
const ETHERNET = 14
const IP_HEADER = 20
const FRAME_BYTES = ETHERNET + IP_HEADER + 20
const SERVER = 0xc0000201
const FIRST_SCANNER = 0xc6336400

/** Scans that never were, 192.0.2.1 from RFC 5737's addresses: each port asked for, each refused. Answers when they end. */
export function practise(sink: FrameSink, tick: (now: number) => void): number {
  const view = new DataView(new ArrayBuffer(FRAME_BYTES))
  let now = BEGIN
  for (let scanner = FIRST_SCANNER; scanner < FIRST_SCANNER + SCANNERS; scanner++) {
    for (let port = 1; port <= PORTS; port++) {
      const ask = { source: scanner, sourcePort: 40_000, target: SERVER, targetPort: port, flags: TCP.syn }
      const refusal = {
        source: SERVER,
        sourcePort: port,
        target: scanner,
        targetPort: 40_000,
        flags: TCP.rst | TCP.ack,
      }
      for (const segment of [ask, refusal]) {
        writeSegment(view, segment)
        now += 0.1
        sink.frame(view, 0, FRAME_BYTES, FRAME_BYTES, now, LINK_TYPE.ethernet, 0, 0)
      }
    }
    now += 100
    tick(now)
  }
  return now
}

interface Segment {
  readonly source: number
  readonly sourcePort: number
  readonly target: number
  readonly targetPort: number
  readonly flags: number
}

/** Ethernet, IPv4 (RFC 791) and TCP (RFC 9293), as short as they can be. */
function writeSegment(view: DataView, segment: Segment): void {
  view.setUint16(ETHERNET - 2, 0x0800)
  view.setUint8(ETHERNET, 0x45)
  view.setUint16(ETHERNET + 2, FRAME_BYTES - ETHERNET)
  view.setUint8(ETHERNET + 8, 64)
  view.setUint8(ETHERNET + 9, PROTOCOL.tcp)
  view.setUint32(ETHERNET + 12, segment.source)
  view.setUint32(ETHERNET + 16, segment.target)
  const transport = ETHERNET + IP_HEADER
  view.setUint16(transport, segment.sourcePort)
  view.setUint16(transport + 2, segment.targetPort)
  view.setUint8(transport + 12, 0x50)
  view.setUint8(transport + 13, segment.flags)
}
