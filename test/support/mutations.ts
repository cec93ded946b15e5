import { createEngine, type Engine } from '#capture/engine.ts'
import { LINK_TYPE } from '#capture/source.ts'
import type { Packet } from '#model/packet.ts'
import { PROTOCOL } from '#model/packet.ts'
import { arp, ethernet, fields, icmp, ipv4, ipv6, said, tcp, udp } from './frames.ts'
import { xorshift } from './xorshift.ts'

const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]))

/** One frame of each kind that the decoder knows: what mutations start from. */
export function everyKindOfFrame(): Uint8Array[] {
  const inner = ipv4(tcp({ payload: new Uint8Array(40) }))
  const probe = ipv4(udp(5000, 161), { protocol: PROTOCOL.udp })
  const probe6 = ipv6(udp(5000, 161), { protocol: PROTOCOL.udp })
  const extension = new Uint8Array(7)
  const fragment6 = fields([0, 1], [1, 2], [7, 4])
  const vxlan = udp(9, 4789, join(Uint8Array.of(8, 0, 0, 0, 0, 0, 1, 0), ethernet(inner)))
  const gre = join(fields([0xb000, 2], [0x0800, 2]), new Uint8Array(12), inner)
  return [
    said({ from: '10.0.0.1:4000', to: '10.0.0.2:80' }),
    said({ from: '10.0.0.2:80', to: '10.0.0.1:4000', flags: 'SA' }),
    said({ from: '10.0.0.1:4000', to: '10.0.0.2:80', flags: 'PA', payload: 200 }),
    said({ from: '[2001:db8::1]:4000', to: '[2001:db8::2]:53', protocol: 'udp', payload: 60 }),
    said({ from: '10.0.0.1', to: '10.0.0.2', protocol: 'icmp' }),
    ethernet(inner, {
      tags: [
        [0x88a8, 5],
        [0x8100, 9],
      ],
    }),
    ethernet(arp(1, [2, 0, 0, 0, 0, 9], '10.0.0.1', '10.0.0.2'), { type: 0x0806 }),
    ethernet(ipv4(tcp(), { options: new Uint8Array(12).fill(1) })),
    ethernet(ipv4(inner.slice(20, 44), { id: 7, moreFragments: true })),
    ethernet(ipv4(inner.slice(44), { id: 7, fragmentOffset: 24 })),
    ethernet(
      ipv6(tcp(), {
        extensions: [
          [0, extension],
          [43, extension],
          [60, extension],
        ],
      }),
    ),
    ethernet(ipv6(new Uint8Array(64), { extensions: [[44, fragment6]] })),
    ethernet(ipv4(icmp(3, 3, probe), { protocol: PROTOCOL.icmp })),
    ethernet(ipv6(icmp(1, 4, probe6), { protocol: PROTOCOL.icmpv6 })),
    ethernet(ipv4(inner, { protocol: PROTOCOL.ipip })),
    ethernet(ipv4(ipv6(tcp()), { protocol: PROTOCOL.ipv6 })),
    ethernet(ipv4(gre, { protocol: PROTOCOL.gre })),
    ethernet(ipv4(vxlan, { protocol: PROTOCOL.udp })),
    ethernet(ipv4(join(fields([5000, 2], [5001, 2]), new Uint8Array(12)), { protocol: PROTOCOL.sctp })),
  ]
}

const TELLING_BYTES = [0, 1, 4, 6, 8, 17, 41, 44, 47, 58, 0x0f, 0x40, 0x45, 0x4f, 0x7f, 0x80, 0xff]
const LINK_TYPES = [...Object.values(LINK_TYPE), 12, 147]
const ROOM = 4096

/** What a run saw. `digest` folds every packet: equal digests mean equal runs. */
export interface MutationRun {
  readonly packets: number
  readonly decoded: number
  readonly flows: number
  readonly digest: number
}

/**
 * Sends mutated frames through a whole engine with small tables, so that they overflow all the time. The view ends
 * where the capture does: a read beyond it throws. Throws on any fault; the same seed gives the same run.
 */
export function runMutations(frames: readonly Uint8Array[], packets: number, seed: number): MutationRun {
  const random = xorshift(seed | 1)
  const engine = createEngine({ seed, maxFlows: 2048, maxHosts: 1024, hostIdleMs: 10_000 })
  let decoded = 0
  let digest = 0
  const fold = (value: number): void => {
    digest = (Math.imul(digest, 31) + value) | 0
  }
  engine.watch([
    {
      packet(packet) {
        decoded++
        checkSpans(packet)
        fold(packet.sourcePort ^ packet.payloadLength ^ packet.flow)
      },
      flowEnded(flow, reason) {
        fold(reason)
        if ((random() & 255) === 0) fold(engine.flowRecord(flow, 'any').communityId.length)
      },
      hostForgotten: fold,
    },
  ])
  const now = sendAll(engine, frames, packets, random)
  engine.close(now)
  const { flowsOpened, flowsEnded } = engine.counts
  if (engine.flows.count !== 0 || flowsOpened !== flowsEnded) throw new Error('a flow was lost')
  if (engine.counts.packets !== packets) throw new Error('a frame was not counted')
  return { packets, decoded, flows: flowsOpened, digest }
}

/** Answers the time of the last frame. */
function sendAll(engine: Engine, frames: readonly Uint8Array[], packets: number, random: Random): number {
  const room = new Uint8Array(ROOM)
  const one = (times: number): boolean => random() % times === 0
  let now = 1_700_000_000_000
  for (let count = 0; count < packets; count++) {
    const length = mutate(frames, room, random)
    const captured = one(8) ? random() % (length + 1) : length
    const promised = one(8) ? random() % 70_000 : length
    now += one(1000) ? (random() % 200_000) - 100_000 : random() % 20
    const linkType = one(16) ? (LINK_TYPES[random() % LINK_TYPES.length] ?? 1) : LINK_TYPE.ethernet
    const view = new DataView(room.buffer, 0, captured)
    engine.frame(view, 0, captured, promised, now, linkType, random() & 3, random() & 1)
  }
  return now
}

function checkSpans(packet: Packet): void {
  const { payloadStart, payloadEnd, payloadLength, view, networkStart } = packet
  const ordered = payloadStart <= payloadEnd && payloadEnd <= view.byteLength && networkStart < payloadEnd + 1
  if (!ordered || payloadLength < payloadEnd - payloadStart) {
    throw new Error(
      `payload [${payloadStart}, ${payloadEnd}) of ${payloadLength} in ${view.byteLength} bytes`,
    )
  }
  if (payloadEnd > payloadStart) view.getUint8(payloadEnd - 1)
}

type Random = () => number

/** Fills `room` with a frame that was tampered with; answers its length. */
function mutate(frames: readonly Uint8Array[], room: Uint8Array, random: Random): number {
  const frame = frames[random() % frames.length] ?? new Uint8Array()
  let length = Math.min(frame.length, ROOM)
  room.set(length === frame.length ? frame : frame.subarray(0, length))
  if (random() % 10 === 0) length = splice(frames, room, length, random)
  for (let times = random() % 6; times > 0; times--) length = tamper(room, length, random)
  return length
}

/** One byte changed, or some cut off or added; answers the new length. */
function tamper(room: Uint8Array, length: number, random: Random): number {
  // Headers are where the lengths are: four in five land there.
  const at = random() % (random() % 5 === 0 ? length : Math.min(length, 80))
  const how = random() % 4
  if (how === 0) room[at] = (room[at] ?? 0) ^ (1 << (random() & 7))
  else if (how === 1) room[at] = random()
  else if (how === 2) room[at] = TELLING_BYTES[random() % TELLING_BYTES.length] ?? 0
  else return Math.max(1, Math.min(ROOM, length + (random() % 33) - 16))
  return length
}

/** Puts another frame behind the first bytes of this one. */
function splice(frames: readonly Uint8Array[], room: Uint8Array, length: number, random: Random): number {
  const other = frames[random() % frames.length] ?? new Uint8Array()
  const from = random() % Math.max(1, Math.min(other.length, 60))
  const at = random() % Math.max(1, Math.min(length, 80))
  const count = Math.min(other.length - from, ROOM - at)
  room.set(other.subarray(from, from + count), at)
  return at + count
}
