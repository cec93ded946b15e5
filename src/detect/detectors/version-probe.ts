/** Hot: runs per TCP packet. Allocates nothing unless it reports. */
import { z } from 'zod'
import type { Hosts } from '#model/host.ts'
import { type Packet, PROTOCOL, TCP } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { duration, rateOf } from '../evidence.ts'
import { HostRows } from '../host-rows.ts'
import { range } from '../self-test/net.ts'
import { ATTACKER, CLIENT, SERVER } from '../self-test/self-test.ts'

const ROWS = 1_024
const STALE_AFTER_MS = 120_000
const LONGEST = 256

/** What scanners send to learn which program answers. Each but the last is honest by itself; one bit each. */
const PROBE = {
  lines: 1,
  get: 2,
  options: 4,
  rtsp: 8,
  help: 16,
  oldTls: 32,
  /** Nobody but a scanner says these: `TNMP`, `TNME`, `/nice%20ports`, `sip:nm`. */
  telling: 64,
} as const

/** The first four bytes, as a big-endian number. */
const WORD = {
  lines: 0x0d0a0d0a,
  get: 0x47455420,
  options: 0x4f505449,
  help: 0x48454c50,
  tnmp: 0x544e4d50,
  tnme: 0x544e4d45,
  oldTls: 0x16030000,
} as const
/** Their first characters. */
const OPENINGS = '\r\x16GOHT'
const NICE = 0x2f6e6963
const SIP = 0x7369703a
const RTSP = 0x52545350

const settings = z
  .object({
    probes: z
      .int()
      .min(2)
      .max(6)
      .default(3)
      .describe(
        'Different greetings of protocols (such as HTTP, RTSP, HELP) that one address may try at one host within two minutes; words that only a scanner says are enough at once',
      ),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'version-probe',
  title: 'Probing of service versions',
  technique: 'T1046',
  settings,
  selfTest: {
    fires: (net) =>
      net.talks({
        from: ATTACKER,
        to: SERVER,
        port: 80,
        sent: 'GET /nice%20ports%2C/Tri%6Eity.txt%2ebak HTTP/1.0',
      }),
    staysSilent(net) {
      for (const _ of range(50)) net.talks({ from: CLIENT, to: SERVER, port: 80, sent: 'GET / HTTP/1.1' })
    },
  },
  watch: (chosen: Settings, context) => new VersionProbeWatcher(chosen, context),
})

/** A row is a source and its target. The source is proven: data comes after a handshake. */
class VersionProbeWatcher implements Watcher {
  readonly protocols = [PROTOCOL.tcp]
  readonly wishes = { openings: OPENINGS }
  readonly #context: WatchContext
  readonly #hosts: Hosts
  readonly #settings: Settings
  readonly #rows: HostRows
  readonly #seen = new Uint8Array(ROWS)

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#hosts = context.hosts
    this.#settings = chosen
    this.#rows = new HostRows(context.hosts, ROWS, STALE_AFTER_MS)
  }

  packet(packet: Packet): void {
    const { payloadLength, payloadStart, payloadEnd } = packet
    // A greeting fits a packet, and is pushed; most packets are neither.
    if (payloadLength < 4 || payloadLength > LONGEST || (packet.tcpFlags & TCP.psh) === 0) return
    if (packet.forward === 0 || payloadEnd - payloadStart < 4) return
    const kind = probeOf(packet)
    if (kind !== 0) this.#note(kind, packet)
  }

  #note(kind: number, packet: Packet): void {
    if (packet.flow < 0 || packet.source < 0 || packet.target < 0) return
    const row = this.#rows.claim(packet.source, packet.target, 0, packet.at)
    if (row < 0) return
    const before = this.#rows.isFresh ? 0 : (this.#seen[row] as number)
    const seen = before | kind
    if (seen === before) return
    this.#seen[row] = seen
    const kinds = this.#rows.addWeight(row)
    const isTelling = (seen & PROBE.telling) !== 0
    if (!isTelling && kinds < this.#settings.probes) return
    if (this.#rows.mayTell(row, packet.at)) this.#tell(row, isTelling, kinds, packet)
  }

  #tell(row: number, isTelling: boolean, count: number, packet: Packet): void {
    const { at, sourcePort, targetPort, tcpFlags, length, protocol } = packet
    const rows = this.#rows
    rows.tell(row, at)
    const [subject, victim] = [this.#hosts.address(rows.first(row)), this.#hosts.address(rows.second(row))]
    const firstAt = rows.firstAt(row)
    const sample = { at, source: subject, sourcePort, target: victim, targetPort, protocol, tcpFlags, length }
    const how = isTelling ? 'with words that only a scanner says' : `in ${count} protocols`
    this.#context.report({
      kind: isTelling ? 'telling' : 'greetings',
      severity: isTelling ? 'high' : 'medium',
      confidence: isTelling ? 0.95 : 0.6,
      ...{ at, subject, victim },
      summary: `${subject} asked services of ${victim} ${how} what they are, in ${duration(at - firstAt)} (version probes)`,
      key: `version-probe ${subject} ${victim}`,
      because: `detectors.version-probe.probes = ${this.#settings.probes}`,
      spoofable: false,
      evidence: {
        ...{ firstAt, lastAt: at, count, ratePerSecond: rateOf(count, at - firstAt), samples: [sample] },
        ports: [targetPort],
      },
    })
  }
}

function probeOf(packet: Packet): number {
  const { view, payloadStart: start, payloadEnd: end, payloadLength: length } = packet
  switch (view.getInt32(start)) {
    case WORD.lines:
      return length === 4 ? PROBE.lines : 0
    case WORD.help:
      return length === 6 ? PROBE.help : 0
    case WORD.tnmp:
    case WORD.tnme:
      return PROBE.telling
    case WORD.oldTls:
      return PROBE.oldTls
    case WORD.get:
      return end - start < 8 ? 0 : getOf(view, start, length)
    case WORD.options:
      return end - start < 14 ? 0 : optionsOf(view, start)
    default:
      return 0
  }
}

function getOf(view: DataView, start: number, length: number): number {
  if (view.getInt32(start + 4) === NICE) return PROBE.telling
  // `GET / HTTP/1.0` and nothing more: browsers and libraries name the host.
  return length === 18 ? PROBE.get : 0
}

/** `OPTIONS / RTSP/1.0`, `OPTIONS / HTTP/1.0`, `OPTIONS sip:nm SIP/2.0`. */
function optionsOf(view: DataView, start: number): number {
  if (view.getInt32(start + 8) === SIP) return view.getUint16(start + 12) === 0x6e6d ? PROBE.telling : 0
  return view.getInt32(start + 10) === RTSP ? PROBE.rtsp : PROBE.options
}
