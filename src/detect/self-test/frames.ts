import { ipBytes, isIpv6, parseIp } from '#model/address.ts'
import { PROTOCOL, TCP } from '#model/packet.ts'

/** Builds frames by hand, layer by layer, for tests and self-tests: they name only what they are about; checksums stay zero. */

export const join = (...parts: Uint8Array[]): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Big-endian numbers as bytes: [value, bytes] pairs. */
export const fields = (...pairs: readonly (readonly [value: number, bytes: 1 | 2 | 4])[]): Uint8Array => {
  const out: number[] = []
  for (const [value, bytes] of pairs) {
    for (let shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push((value >>> shift) & 255)
  }
  return Uint8Array.from(out)
}

const addressBytes = (text: string): Uint8Array => {
  const address = parseIp(text)
  if (address === undefined) throw new Error(`not an address: ${text}`)
  return ipBytes(address)
}

export const ETHERTYPE = {
  ipv4: 0x0800,
  arp: 0x0806,
  ipv6: 0x86dd,
  vlan: 0x8100,
  qinq: 0x88a8,
  oldQinq: 0x9100,
}

export interface EthernetLayer {
  readonly type?: number
  /** Tags from the outside in: [tag type, VLAN id]. */
  readonly tags?: readonly (readonly [type: number, id: number])[]
  readonly sourceMac?: readonly number[]
}

export const ethernet = (payload: Uint8Array, layer: EthernetLayer = {}): Uint8Array => {
  const version = (payload[0] ?? 0) >>> 4
  const type = layer.type ?? (version === 6 ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4)
  const mac = Uint8Array.from(layer.sourceMac ?? [2, 0, 0, 0, 0, 2])
  const tags = (layer.tags ?? []).map(([tag, id]) => fields([tag, 2], [id, 2]))
  return join(Uint8Array.from([2, 0, 0, 0, 0, 1]), mac, ...tags, fields([type, 2]), payload)
}

export interface IpLayer {
  readonly source?: string
  readonly target?: string
  readonly protocol?: number
  readonly ttl?: number
  /** IPv4 options; a multiple of 4 bytes. */
  readonly options?: Uint8Array
  readonly id?: number
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset?: number
  readonly moreFragments?: boolean
  /** Overrides what the header says of its length. */
  readonly totalLength?: number
}

export const ipv4 = (payload: Uint8Array, layer: IpLayer = {}): Uint8Array => {
  const options = layer.options ?? new Uint8Array()
  const headerLength = 20 + options.length
  const fragment = ((layer.fragmentOffset ?? 0) >>> 3) | (layer.moreFragments ? 0x2000 : 0)
  return join(
    fields([0x40 | (headerLength >>> 2), 1], [0, 1], [layer.totalLength ?? headerLength + payload.length, 2]),
    fields(
      [layer.id ?? 0, 2],
      [fragment, 2],
      [layer.ttl ?? 64, 1],
      [layer.protocol ?? PROTOCOL.tcp, 1],
      [0, 2],
    ),
    addressBytes(layer.source ?? '192.0.2.1'),
    addressBytes(layer.target ?? '198.51.100.2'),
    options,
    payload,
  )
}

export interface Ipv6Layer {
  readonly source?: string
  readonly target?: string
  readonly protocol?: number
  readonly ttl?: number
  /** Extension headers, outermost first: [header number, its bytes without the next-header byte]. */
  readonly extensions?: readonly (readonly [number: number, rest: Uint8Array])[]
  readonly payloadLength?: number
}

export const ipv6 = (payload: Uint8Array, layer: Ipv6Layer = {}): Uint8Array => {
  const extensions = layer.extensions ?? []
  const last = layer.protocol ?? PROTOCOL.tcp
  const chain = extensions.map(([, rest], at) => join(fields([extensions[at + 1]?.[0] ?? last, 1]), rest))
  const body = join(...chain, payload)
  return join(
    fields(
      [0x60000000, 4],
      [layer.payloadLength ?? body.length, 2],
      [extensions[0]?.[0] ?? last, 1],
      [layer.ttl ?? 64, 1],
    ),
    addressBytes(layer.source ?? '2001:db8::1'),
    addressBytes(layer.target ?? '2001:db8::2'),
    body,
  )
}

export interface TcpLayer {
  readonly sourcePort?: number
  readonly targetPort?: number
  readonly flags?: number
  readonly sequence?: number
  readonly acknowledgement?: number
  readonly window?: number
  /** Bytes of options, a multiple of 4: padding, as their content does not matter. */
  readonly options?: number
  readonly payload?: Uint8Array
}

export const tcp = (layer: TcpLayer = {}): Uint8Array =>
  join(
    fields([layer.sourcePort ?? 40_000, 2], [layer.targetPort ?? 80, 2], [layer.sequence ?? 1000, 4]),
    fields(
      [layer.acknowledgement ?? 0, 4],
      [0x50 + ((layer.options ?? 0) << 2), 1],
      [layer.flags ?? TCP.syn, 1],
      [layer.window ?? 64_240, 2],
      [0, 4],
    ),
    new Uint8Array(layer.options ?? 0),
    layer.payload ?? new Uint8Array(),
  )

export const udp = (
  sourcePort: number,
  targetPort: number,
  payload: Uint8Array = new Uint8Array(),
): Uint8Array => join(fields([sourcePort, 2], [targetPort, 2], [8 + payload.length, 2], [0, 2]), payload)

/** ICMP and ICMPv6: type, code, checksum, the 4 bytes after it, then `rest`. */
export const icmp = (type: number, code: number, rest: Uint8Array = new Uint8Array(), word = 0): Uint8Array =>
  join(fields([type, 1], [code, 1], [0, 2], [word, 4]), rest)

export const arp = (
  operation: number,
  senderMac: readonly number[],
  sender: string,
  target: string,
): Uint8Array =>
  join(
    fields([1, 2], [ETHERTYPE.ipv4, 2], [6, 1], [4, 1], [operation, 2]),
    Uint8Array.from(senderMac),
    addressBytes(sender),
    new Uint8Array(6),
    addressBytes(target),
  )

/** One packet of a conversation, in the words a test uses: who, to whom, what. */
export interface Said {
  /** `address:port` or `[v6]:port`; the port is left out for ICMP. */
  readonly from: string
  readonly to: string
  readonly protocol?: 'tcp' | 'udp' | 'icmp'
  /** TCP flags as letters: S, A, F, R, P, U; empty for a NULL probe. */
  readonly flags?: string
  readonly sequence?: number
  readonly acknowledgement?: number
  /** Bytes of TCP options: a real stack has 20 in a SYN, a scanner 0 or 4. */
  readonly options?: number
  /** So many zero bytes, or these bytes, or this ASCII text. */
  readonly payload?: number | Uint8Array | string
  /** ICMP type and code. */
  readonly type?: number
  readonly code?: number
  /** The four bytes after the checksum of ICMP: identifier and sequence number of an echo. */
  readonly word?: number
  /** TCP: the window as the header says it. */
  readonly window?: number
  readonly ttl?: number
}

const FLAG_LETTERS: Readonly<Record<string, number>> = {
  S: TCP.syn,
  A: TCP.ack,
  F: TCP.fin,
  R: TCP.rst,
  P: TCP.psh,
  U: TCP.urg,
}

/** An Ethernet frame of one packet: `said({ from: '10.0.0.1:4000', to: '10.0.0.2:80', flags: 'S' })`. */
export function said(about: Said): Uint8Array {
  const [source, sourcePort] = splitEndpoint(about.from)
  const [target, targetPort] = splitEndpoint(about.to)
  const six = isIpv6(parseIp(source) ?? fail(source))
  const [protocol, segment] = transport(about, sourcePort, targetPort, six)
  const layer = { source, target, protocol, ttl: about.ttl ?? 64 }
  return ethernet(six ? ipv6(segment, layer) : ipv4(segment, layer))
}

function transport(about: Said, sourcePort: number, targetPort: number, six: boolean): [number, Uint8Array] {
  const payload = payloadOf(about.payload ?? 0)
  if (about.protocol === 'udp') return [PROTOCOL.udp, udp(sourcePort, targetPort, payload)]
  if (about.protocol === 'icmp') {
    return [
      six ? PROTOCOL.icmpv6 : PROTOCOL.icmp,
      icmp(about.type ?? 8, about.code ?? 0, payload, about.word),
    ]
  }
  const flags = [...(about.flags ?? 'S')].reduce(
    (sum, letter) => sum | (FLAG_LETTERS[letter] ?? fail(letter)),
    0,
  )
  const { sequence = 1000, acknowledgement = 0, options = 0, window = 64_240 } = about
  const layer = { sourcePort, targetPort, flags, sequence, acknowledgement, options, window, payload }
  return [PROTOCOL.tcp, tcp(layer)]
}

const payloadOf = (payload: number | Uint8Array | string): Uint8Array =>
  typeof payload === 'number' ? new Uint8Array(payload) : Uint8Array.from(Buffer.from(payload))

function splitEndpoint(text: string): [address: string, port: number] {
  const [, six, four, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? fail(text)
  return [six ?? four ?? fail(text), Number(port ?? 0)]
}

function fail(text: string): never {
  throw new Error(`frames.ts cannot read: ${text}`)
}
