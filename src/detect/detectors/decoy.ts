/** Hot: runs per TCP packet. Allocates nothing unless a decoy is touched. */
import { z } from 'zod'
import { DECOY_WINDOW, escapedBytes } from '#model/decoy.ts'
import type { Flows } from '#model/flow.ts'
import type { Hosts } from '#model/host.ts'
import { type Packet, PROTOCOL, TCP } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { defineDetector, type ReportedFinding, type WatchContext } from '../detector.ts'
import type { Net } from '../self-test/net.ts'
import { ATTACKER, SERVER } from '../self-test/self-test.ts'

const SYN_ACK = TCP.syn | TCP.ack
const HEADER_BYTES = 20
/** Decoys answer at a bounded rate, so this is never full but after a flood. */
const MOST_FLOWS = 4_096

const settings = z
  .object({
    recordBytes: z
      .int()
      .min(0)
      .max(400)
      .default(80)
      .describe('So many bytes of what somebody sends to a decoy are quoted in the alert'),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'decoy',
  title: 'Decoy touched',
  technique: 'T1046',
  settings,
  selfTest: {
    fires: (net) => greet(net, DECOY_WINDOW),
    staysSilent: (net) => greet(net, 64_240),
  },
  watch: (chosen: Settings, context) => new DecoyWatcher(chosen, context),
})

/** Somebody's handshake with what answers so. */
function greet(net: Net, window: number): void {
  const [there, back] = [`${ATTACKER}:40000`, `${SERVER}:23`]
  net.say({ from: there, to: back, flags: 'S', sequence: 1000 })
  net.say({ from: back, to: there, flags: 'SA', sequence: 7000, acknowledgement: 1001, window })
  net.say({ from: there, to: back, flags: 'A', sequence: 1001, acknowledgement: 7001 })
}

interface Touch {
  readonly firstAt: number
  isMade: boolean
  /** Of the next byte that is new. */
  next: number
  bytes: number
  readonly said: number[]
}

/** Knows the answers of decoys by their form (model/decoy.ts), so it needs no list of ports and works on captures. */
class DecoyWatcher implements Watcher {
  readonly protocols = [PROTOCOL.tcp]
  readonly wishes = { syn: true, followed: true } as const
  readonly #context: WatchContext
  readonly #hosts: Hosts
  readonly #flows: Flows
  readonly #settings: Settings
  readonly #touched = new Map<number, Touch>()

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#hosts = context.hosts
    this.#flows = context.flows
    this.#settings = chosen
  }

  packet(packet: Packet): void {
    if ((packet.tcpFlags & SYN_ACK) === SYN_ACK) this.#note(packet)
    else if (this.#touched.size > 0 && packet.forward === 1) this.#listen(packet)
  }

  flowAborted(flow: number, packet: Packet): void {
    const touch = this.#touched.get(flow)
    if (touch && !touch.isMade) this.#report(flow, touch, packet.at)
  }

  flowEnded(flow: number): void {
    this.#touched.delete(flow)
  }

  #note(packet: Packet): void {
    if (packet.tcpWindow !== DECOY_WINDOW || packet.forward === 1 || packet.flow < 0) return
    if (headerBytes(packet) !== HEADER_BYTES || this.#touched.has(packet.flow)) return
    if (this.#touched.size >= MOST_FLOWS) return
    this.#context.follow(packet.flow)
    this.#touched.set(packet.flow, {
      ...{ firstAt: packet.at, isMade: false, next: packet.tcpAcknowledgement, bytes: 0, said: [] },
    })
  }

  /** An ACK of the decoy's number makes the handshake: nobody can forge that. */
  #listen(packet: Packet): void {
    const touch = this.#touched.get(packet.flow)
    if (!touch || (packet.tcpFlags & (TCP.ack | TCP.rst)) !== TCP.ack) return
    const isNew = packet.payloadLength > 0 && packet.tcpSequence === touch.next
    if (isNew) this.#take(packet, touch)
    const isWorth = !touch.isMade || (isNew && touch.bytes === packet.payloadLength)
    touch.isMade = true
    if (isWorth) this.#report(packet.flow, touch, packet.at)
  }

  #take(packet: Packet, touch: Touch): void {
    touch.next = (packet.tcpSequence + packet.payloadLength) | 0
    touch.bytes += packet.payloadLength
    for (let at = packet.payloadStart; at < packet.payloadEnd; at++) {
      if (touch.said.length >= this.#settings.recordBytes) return
      touch.said.push(packet.view.getUint8(at))
    }
  }

  #report(flow: number, touch: Touch, now: number): void {
    const [source, target] = [this.#flows.source(flow), this.#flows.target(flow)]
    const port = this.#flows.targetPort(flow)
    const [subject, victim] = [this.#hosts.address(source), this.#hosts.address(target)]
    const sample = {
      ...{ at: touch.firstAt, source: subject, sourcePort: this.#flows.sourcePort(flow) },
      ...{ target: victim, targetPort: port, protocol: PROTOCOL.tcp },
      ...{ tcpFlags: this.#flows.firstFlags(flow), length: 0 },
    }
    this.#context.report({
      ...storyOf(touch),
      ...{ at: now, subject, victim },
      summary: `${subject} ${deedOf(touch)} the decoy at port ${port} of ${victim}${quoteOf(touch)}`,
      key: `decoy ${subject}`,
      because: `detectors.decoy.recordBytes = ${this.#settings.recordBytes}`,
      spoofable: !touch.isMade,
      evidence: {
        ...{ firstAt: touch.firstAt, lastAt: now, count: 1, ratePerSecond: 0, ports: [port] },
        ...{ bytes: touch.bytes, samples: [sample] },
      },
    })
  }
}

const headerBytes = (packet: Packet): number => {
  const ip = packet.version === 4 ? (packet.view.getUint8(packet.networkStart) & 15) * 4 : 40
  return packet.payloadStart - packet.networkStart - ip
}

/** Nobody has business there. Who completes the handshake is who he says he is; a probe may be forged. */
function storyOf({ isMade, bytes }: Touch): Pick<ReportedFinding, 'kind' | 'severity' | 'confidence'> {
  if (!isMade) return { kind: 'probe', severity: 'medium', confidence: 0.6 }
  return bytes > 0
    ? { kind: 'data', severity: 'critical', confidence: 1 }
    : { kind: 'handshake', severity: 'high', confidence: 1 }
}

const deedOf = ({ isMade, bytes }: Touch): string =>
  bytes > 0 ? `sent ${bytes} bytes to` : isMade ? 'connected to' : 'probed'

const quoteOf = ({ said }: Touch): string =>
  said.length === 0 ? '' : `: "${escapedBytes(Uint8Array.from(said))}"`
