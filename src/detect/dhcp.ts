/** Hot: runs per DHCP packet. Allocates nothing. */
import type { Packet } from '#model/packet.ts'

/** RFC 2131 §2: where things lie in a message, and the magic cookie before its options. */
const OPERATION_REPLY = 2
const COOKIE_AT = 236
const OPTIONS_AT = 240
const COOKIE = 0x63825363
/** RFC 2132. */
const OPTION = { pad: 0, router: 3, dns: 6, type: 53, server: 54, end: 255 } as const
const OFFER = 2
const ACKNOWLEDGED = 5
const MOST_OPTIONS = 64

export const DHCP_SERVER_PORT = 67
export const DHCP_CLIENT_PORT = 68

/** What an offer or acknowledgement of a DHCP server says. One instance, overwritten by each `read`. */
export class DhcpReply {
  /** IPv4 addresses as 32-bit words; 0 where the message has none. */
  server = 0
  router = 0
  dns0 = 0
  dns1 = 0
  #type = 0

  /** False when the packet is no offer or acknowledgement, or is cut short before it says so. */
  read(packet: Packet): boolean {
    const { view, payloadStart: start, payloadEnd: end } = packet
    if (end - start < OPTIONS_AT || view.getUint8(start) !== OPERATION_REPLY) return false
    if (view.getUint32(start + COOKIE_AT) !== COOKIE) return false
    this.server = 0
    this.router = 0
    this.dns0 = 0
    this.dns1 = 0
    return this.#readOptions(view, start + OPTIONS_AT, end)
  }

  #readOptions(view: DataView, from: number, end: number): boolean {
    this.#type = 0
    let at = from
    for (let left = MOST_OPTIONS; left > 0 && at < end; left--) at = this.#readOption(view, at, end)
    return this.#type === OFFER || this.#type === ACKNOWLEDGED
  }

  /** Answers where the next option begins; `end` after the last, or one that is cut short. */
  #readOption(view: DataView, at: number, end: number): number {
    const code = view.getUint8(at)
    if (code === OPTION.pad) return at + 1
    if (code === OPTION.end || at + 2 > end) return end
    const length = view.getUint8(at + 1)
    const next = at + 2 + length
    if (next > end) return end
    if (code === OPTION.type && length === 1) this.#type = view.getUint8(at + 2)
    else if (length >= 4) this.#readAddress(view, code, at + 2, length)
    return next
  }

  #readAddress(view: DataView, code: number, at: number, length: number): void {
    if (code === OPTION.server) this.server = view.getInt32(at)
    if (code === OPTION.router) this.router = view.getInt32(at)
    if (code !== OPTION.dns) return
    this.dns0 = view.getInt32(at)
    this.dns1 = length >= 8 ? view.getInt32(at + 4) : 0
  }
}
