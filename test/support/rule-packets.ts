import { type Ip, ipBytes } from '#model/address.ts'
import type { ProgramFacts } from '#model/program-question.ts'
import type { PacketFacts, RuleDirection } from '#model/rule.ts'
import { fields } from './frames.ts'

/** A packet as the kernel gets it, and all that is known about it before it is judged. */
export interface TriedPacket {
  readonly facts: PacketFacts
  /** From the IP header on. */
  readonly bytes: Uint8Array
  /** In the IPv4 id, or in the IPv6 flow label: by it the packet is known again behind the rules. */
  readonly tag: number
}

/** Random numbers that are the same for the same seed (mulberry32). */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to before `below`. */
  roll(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }

  chance(percent: number): boolean {
    return this.roll(100) < percent
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.roll(items.length)] as Item
  }

  some<Item>(items: readonly Item[], most: number): Item[] {
    const count = 1 + this.roll(most)
    return [...new Set(Array.from({ length: count }, () => this.pick(items)))]
  }
}

/** Addresses of the trial: ours, and strangers'; behind `beyond` lies a network that we forward to. */
export interface TrialAddresses {
  readonly own4: Ip
  readonly own6: Ip
  readonly strangers4: readonly Ip[]
  readonly strangers6: readonly Ip[]
  readonly beyond4: readonly Ip[]
  readonly beyond6: readonly Ip[]
}

/** A UDP exchange that connection tracking knows as established. */
export interface KnownFlow {
  readonly family: 4 | 6
  readonly own: Ip
  readonly ownPort: number
  readonly peer: Ip
  readonly peerPort: number
}

export const PORTS = [
  22, 25, 53, 67, 68, 80, 123, 443, 546, 547, 1024, 5353, 8000, 8080, 40_000, 65_535,
] as const
/** Who sends: of the last nobody knows more than where it runs. */
const SENDERS: readonly ProgramFacts[] = [
  { paths: ['/usr/bin/sender'], units: [], containers: [] },
  { paths: ['/opt/tool/run'], units: ['web.service'], containers: [] },
  { paths: ['/usr/bin/other'], units: ['web.service'], containers: [] },
  { units: [], containers: [] },
]
export const USERS = [0, 1000, 1001] as const
const [TCP, UDP, ICMP, ICMPV6] = [6, 17, 1, 58]
const OTHER_PROTOCOLS = [50, 89] as const
const [SYN, ACK, RST, FIN] = [2, 16, 4, 1]

/** What a transport header is, and what connection tracking will say of it. */
interface Transport {
  readonly protocol: number
  readonly bytes: Uint8Array
  readonly facts: Pick<PacketFacts, 'state'> & Partial<PacketFacts>
  readonly checksumAt?: number
}

interface Shape {
  readonly direction: RuleDirection
  readonly family: 4 | 6
  readonly source: Ip
  readonly target: Ip
}

export function randomPacket(
  dice: Dice,
  world: { readonly addresses: TrialAddresses; readonly flows: readonly KnownFlow[]; readonly at: number },
  tag: number,
): TriedPacket {
  const direction = dice.pick(['inbound', 'inbound', 'outbound', 'outbound', 'forward'] as const)
  if (direction !== 'forward' && dice.chance(20)) return knownPacket(dice, world, direction, tag)
  const family = dice.pick([4, 6] as const)
  const { own, strangers, beyond } = endsOf(world.addresses, family)
  const [source, target] = {
    inbound: [dice.pick(strangers), own],
    outbound: [own, dice.pick(strangers)],
    forward: [dice.pick(strangers), dice.pick(beyond)],
  }[direction] as [Ip, Ip]
  const shape: Shape = { direction, family, source, target }
  const neighbour = family === 6 && direction === 'inbound' && dice.chance(10)
  if (neighbour) return neighbourPacket(dice, shape, world.at, tag)
  return assembled(shape, randomTransport(dice, family), { at: world.at, tag, hopLimit: 64, dice })
}

const endsOf = (addresses: TrialAddresses, family: 4 | 6) =>
  family === 4
    ? { own: addresses.own4, strangers: addresses.strangers4, beyond: addresses.beyond4 }
    : { own: addresses.own6, strangers: addresses.strangers6, beyond: addresses.beyond6 }

function randomTransport(dice: Dice, family: 4 | 6): Transport {
  const kind = dice.roll(10)
  if (kind < 4) return tcp(dice)
  if (kind < 7) return udp(dice.pick(PORTS), dice.pick(PORTS))
  if (kind < 9) return family === 4 ? icmp4(dice) : icmp6(dice)
  return {
    protocol: dice.pick(OTHER_PROTOCOLS),
    bytes: fields([dice.roll(2 ** 32), 4], [1, 4]),
    facts: { state: 'new' },
  }
}

function tcp(dice: Dice): Transport {
  const [sourcePort, targetPort] = [dice.pick(PORTS), dice.pick(PORTS)]
  // Nothing is known of the connection: a reset or nonsense belongs to none, an ACK may be picked up (tcp_loose).
  const [flags, state] = dice.pick([
    [SYN, 'new'],
    [SYN, 'new'],
    [ACK, 'new'],
    [RST, 'invalid'],
    [SYN | FIN, 'invalid'],
  ] as const)
  const bytes = fields(
    [sourcePort, 2],
    [targetPort, 2],
    [dice.roll(2 ** 32), 4],
    [0, 4],
    [0x5000 | flags, 2],
    [1024, 2],
    [0, 4],
  )
  return { protocol: TCP, bytes, facts: { state, sourcePort, targetPort }, checksumAt: 16 }
}

function udp(sourcePort: number, targetPort: number): Transport {
  const bytes = fields([sourcePort, 2], [targetPort, 2], [12, 2], [0, 2], [0x67617465, 4])
  return { protocol: UDP, bytes, facts: { state: 'new', sourcePort, targetPort }, checksumAt: 6 }
}

function icmp4(dice: Dice): Transport {
  const [type, state] = dice.pick([
    [8, 'new'],
    [8, 'new'],
    [13, 'new'],
    [0, 'invalid'],
    [14, 'invalid'],
    [3, 'invalid'],
    [11, 'invalid'],
  ] as const)
  const quoted = type === 3 || type === 11 ? quotedUdp4() : new Uint8Array(8)
  const bytes = join(fields([type, 1], [0, 1], [0, 2], [dice.roll(65_536), 2], [1, 2]), quoted)
  return { protocol: ICMP, bytes, facts: { state, icmpType: type }, checksumAt: 2 }
}

/** About a datagram that nobody sent. */
const quotedUdp4 = (): Uint8Array =>
  join(
    ipv4(
      { source: '203.0.113.77' as Ip, target: '203.0.113.78' as Ip },
      UDP,
      fields([7, 2], [7, 2], [8, 2], [0, 2]),
      9,
      64,
    ),
  )

function icmp6(dice: Dice): Transport {
  const [type, state] = dice.pick([
    [128, 'new'],
    [128, 'new'],
    [129, 'invalid'],
    [139, 'new'],
    [130, 'untracked'],
    [143, 'untracked'],
    [135, 'untracked'],
  ] as const)
  const bytes = fields([type, 1], [0, 1], [0, 2], [dice.roll(65_536), 2], [1, 2], [0, 4], [0, 4])
  return { protocol: ICMPV6, bytes, facts: { state, icmpType: type }, checksumAt: 2 }
}

function neighbourPacket(dice: Dice, shape: Shape, at: number, tag: number): TriedPacket {
  const type = dice.pick([133, 134, 135, 136])
  const bytes = fields([type, 1], [0, 1], [0, 2], [0, 4], [0, 4], [0, 4], [0, 4], [0, 4])
  const transport: Transport = {
    protocol: ICMPV6,
    bytes,
    facts: { state: 'untracked', icmpType: type },
    checksumAt: 2,
  }
  return assembled(shape, transport, { at, tag, hopLimit: dice.pick([255, 64]), dice })
}

/** A packet of a flow that is established, or an error about one. */
function knownPacket(
  dice: Dice,
  { flows, at }: { readonly flows: readonly KnownFlow[]; readonly at: number },
  direction: 'inbound' | 'outbound',
  tag: number,
): TriedPacket {
  const { family, own, ownPort, peer, peerPort } = dice.pick(flows)
  const isInbound = direction === 'inbound'
  const shape = isInbound ? { source: peer, target: own } : { source: own, target: peer }
  const usual = isInbound ? udp(peerPort, ownPort) : udp(ownPort, peerPort)
  const isError = isInbound && dice.chance(40)
  const transport: Transport = isError
    ? errorAbout({ family, source: own, target: peer }, udp(ownPort, peerPort).bytes)
    : { ...usual, facts: { ...usual.facts, state: 'established' } }
  return assembled({ ...shape, direction, family }, transport, { at, tag, hopLimit: 64, dice })
}

function errorAbout(
  quoted: { readonly family: 4 | 6; readonly source: Ip; readonly target: Ip },
  datagram: Uint8Array,
): Transport {
  const isFour = quoted.family === 4
  const inner = isFour ? ipv4(quoted, UDP, datagram, 1, 64) : ipv6(quoted, UDP, datagram, 1, 64)
  const type = isFour ? 3 : 1
  return {
    protocol: isFour ? ICMP : ICMPV6,
    bytes: join(fields([type, 1], [isFour ? 3 : 4, 1], [0, 2], [0, 4]), inner),
    facts: { state: 'related', icmpType: type },
    checksumAt: 2,
  }
}

function assembled(
  { direction, family, source, target }: Shape,
  { protocol, bytes, facts, checksumAt }: Transport,
  how: { readonly at: number; readonly tag: number; readonly hopLimit: number; readonly dice: Dice },
): TriedPacket {
  const ends = { source, target }
  if (checksumAt !== undefined) putChecksum(bytes, checksumAt, ends, protocol)
  const write = family === 4 ? ipv4 : ipv6
  const interfaces = {
    inbound: { fromInterface: 'gh0' },
    outbound: { toInterface: 'gh0', uid: how.dice.pick(USERS), program: how.dice.pick(SENDERS) },
    forward: { fromInterface: 'gh0', toInterface: 'beyond0' },
  }[direction]
  return {
    tag: how.tag,
    bytes: write(ends, protocol, bytes, how.tag, how.hopLimit),
    facts: { direction, protocol, ...ends, ...interfaces, hopLimit: how.hopLimit, at: how.at, ...facts },
  }
}

interface Ends {
  readonly source: Ip
  readonly target: Ip
}

// Five plain numbers of a header: a group of them would say no more.
function ipv4(
  { source, target }: Ends,
  protocol: number,
  payload: Uint8Array,
  id: number,
  ttl: number,
): Uint8Array {
  const header = join(
    fields([0x4500, 2], [20 + payload.length, 2], [id, 2], [0, 2], [ttl, 1], [protocol, 1], [0, 2]),
    ipBytes(source),
    ipBytes(target),
  )
  new DataView(header.buffer).setUint16(10, checksum(header))
  return join(header, payload)
}

function ipv6(
  { source, target }: Ends,
  protocol: number,
  payload: Uint8Array,
  label: number,
  hops: number,
): Uint8Array {
  const head = fields([0x6000_0000 + label, 4], [payload.length, 2], [protocol, 1], [hops, 1])
  return join(head, ipBytes(source), ipBytes(target), payload)
}

/** RFC 1071, over the pseudo header where there is one (ICMP over IPv4 has none). */
function putChecksum(bytes: Uint8Array, at: number, { source, target }: Ends, protocol: number): void {
  const pseudo =
    protocol === ICMP
      ? new Uint8Array(0)
      : join(ipBytes(source), ipBytes(target), fields([bytes.length, 4], [protocol, 4]))
  const sum = checksum(join(pseudo, bytes))
  new DataView(bytes.buffer).setUint16(at, protocol === UDP && sum === 0 ? 0xffff : sum)
}

function checksum(bytes: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

export function join(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** The UDP datagrams that make a flow known: there and back. */
export function flowPackets(flow: KnownFlow): { readonly out: Uint8Array; readonly back: Uint8Array } {
  const { family, own, ownPort, peer, peerPort } = flow
  const out = udp(ownPort, peerPort).bytes
  const back = udp(peerPort, ownPort).bytes
  putChecksum(out, 6, { source: own, target: peer }, UDP)
  putChecksum(back, 6, { source: peer, target: own }, UDP)
  const write = family === 4 ? ipv4 : ipv6
  return {
    out: write({ source: own, target: peer }, UDP, out, 1, 64),
    back: write({ source: peer, target: own }, UDP, back, 1, 64),
  }
}
