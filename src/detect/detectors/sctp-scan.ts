/** Hot: runs per SCTP packet. Allocates nothing unless it reports. */
import { z } from 'zod'
import type { Hosts } from '#model/host.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { amongNames } from '../borrowed-names.ts'
import { Crowd } from '../crowd.ts'
import { defineDetector, type ReportedFinding, type WatchContext } from '../detector.ts'
import { duration, rateOf } from '../evidence.ts'
import { HostRows } from '../host-rows.ts'
import { anyProtocol, sctp } from '../self-test/messages.ts'
import { range } from '../self-test/net.ts'
import { ATTACKER, CLIENT, SERVER } from '../self-test/self-test.ts'

const ROWS = 1_024
const STALE_AFTER_MS = 120_000
/** RFC 9260 §3.2: the type of the first chunk. */
const CHUNK = { init: 1, initAck: 2, abort: 6, cookieEcho: 10 } as const

const settings = z
  .object({
    ports: z
      .int()
      .min(2)
      .max(1_000)
      .default(6)
      .describe('Different SCTP ports of one host that one address may knock at in vain within two minutes'),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'sctp-scan',
  title: 'SCTP scan',
  technique: 'T1046',
  settings,
  selfTest: {
    fires(net) {
      for (const port of range(30)) {
        net.send(anyProtocol(ATTACKER, SERVER, PROTOCOL.sctp, sctp(40_000, port, CHUNK.init)))
        net.send(anyProtocol(SERVER, ATTACKER, PROTOCOL.sctp, sctp(port, 40_000, CHUNK.abort)))
        net.pass(10)
      }
    },
    staysSilent(net) {
      for (const n of range(100)) {
        net.send(anyProtocol(CLIENT, SERVER, PROTOCOL.sctp, sctp(40_000 + n, 2905, CHUNK.init)))
        net.pass(100)
      }
    },
  },
  watch: (chosen: Settings, context) => new SctpScanWatcher(chosen, context),
})

/** A row is a source and its target. What was answered with INIT-ACK was no try in vain. */
class SctpScanWatcher implements Watcher {
  readonly protocols = [PROTOCOL.sctp]
  readonly #context: WatchContext
  readonly #hosts: Hosts
  readonly #settings: Settings
  readonly #rows: HostRows
  readonly #tried = new Crowd(ROWS)
  readonly #answered = new Crowd(ROWS)

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#hosts = context.hosts
    this.#settings = chosen
    this.#rows = new HostRows(context.hosts, ROWS, STALE_AFTER_MS)
  }

  packet(packet: Packet): void {
    if (packet.protocol !== PROTOCOL.sctp || packet.source < 0 || packet.target < 0) return
    if (packet.payloadEnd <= packet.payloadStart) return
    const chunk = packet.view.getUint8(packet.payloadStart)
    if (chunk === CHUNK.initAck) {
      const row = this.#rows.find(packet.target, packet.source, 0)
      if (row >= 0) this.#answered.add(row, -1, packet.sourcePort)
    } else if (packet.forward === 1 && (chunk === CHUNK.init || chunk === CHUNK.cookieEcho)) {
      this.#knocked(chunk, packet)
    }
  }

  #knocked(chunk: number, packet: Packet): void {
    const { source, target, targetPort, at } = packet
    const row = this.#rows.claim(source, target, 0, at)
    if (row < 0) return
    if (this.#rows.isFresh) {
      this.#tried.clear(row)
      this.#answered.clear(row)
    }
    this.#tried.add(row, targetPort, targetPort)
    if (this.#rows.addWeight(row) < this.#settings.ports) return
    const count = this.#tried.distinct(row) - this.#answered.distinct(row)
    if (count >= this.#settings.ports && this.#rows.mayTell(row, at)) this.#tell(row, chunk, count, packet)
  }

  #tell(row: number, chunk: number, count: number, packet: Packet): void {
    const { at, sourcePort, targetPort, length, protocol } = packet
    const rows = this.#rows
    rows.tell(row, at)
    const [subject, victim] = [this.#hosts.address(rows.first(row)), this.#hosts.address(rows.second(row))]
    const firstAt = rows.firstAt(row)
    const sample = {
      at,
      source: subject,
      sourcePort,
      target: victim,
      targetPort,
      protocol,
      tcpFlags: 0,
      length,
    }
    const finding: ReportedFinding = {
      kind: chunk === CHUNK.init ? 'sctp-init' : 'sctp-cookie',
      ...{ severity: 'high', confidence: 0.85, at, subject, victim },
      summary: `${subject} knocked at ${count} SCTP ports of ${victim} in ${duration(at - firstAt)} (sctp scan)`,
      key: `sctp-scan ${subject} ${victim}`,
      because: `detectors.sctp-scan.ports = ${this.#settings.ports}`,
      spoofable: true,
      evidence: {
        ...{ firstAt, lastAt: at, count, ratePerSecond: rateOf(count, at - firstAt), samples: [sample] },
        ports: this.#tried.busiest(row, 1).map(({ member }) => member),
      },
    }
    this.#context.report(
      amongNames(finding, {
        rows,
        row,
        hosts: this.#hosts,
        what: `knocked at ${count} SCTP ports of ${victim}`,
      }),
    )
  }
}
