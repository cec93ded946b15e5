import type { FrameSink } from '#capture/source.ts'
import { LINK_TYPE } from '#capture/source.ts'
import { join } from '#detect/self-test/frames.ts'

/** The builders ship with the self-tests of detectors. */
export {
  arp,
  ETHERTYPE,
  ethernet,
  fields,
  icmp,
  ipv4,
  ipv6,
  type Said,
  said,
  tcp,
  udp,
} from '#detect/self-test/frames.ts'

/** How a frame arrives; what is left out is Ethernet, whole, untagged, on interface 0. */
export interface Arrival {
  readonly linkType?: number
  /** Bytes that the capture kept. */
  readonly captured?: number
  readonly length?: number
  readonly vlan?: number
  readonly interfaceIndex?: number
}

/** Hands one frame to an engine, 8 bytes into a larger buffer as sources do. `at` is in milliseconds. */
export function deliver(sink: FrameSink, bytes: Uint8Array, at: number, arrival: Arrival = {}): void {
  const padded = join(new Uint8Array(8), bytes)
  const view = new DataView(padded.buffer)
  const { linkType = LINK_TYPE.ethernet, captured = bytes.length, length = bytes.length } = arrival
  sink.frame(view, 8, captured, length, at, linkType, arrival.interfaceIndex ?? 0, arrival.vlan ?? 0)
}
