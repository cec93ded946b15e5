/** Hot: runs per packet that is neither TCP nor UDP. Allocates nothing unless it reports. */
import { z } from 'zod'
import type { Hosts } from '#model/host.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { amongNames } from '../borrowed-names.ts'
import { defineDetector, type ReportedFinding, type WatchContext } from '../detector.ts'
import { duration, rateOf } from '../evidence.ts'
import { HostRows } from '../host-rows.ts'
import { anyProtocol } from '../self-test/messages.ts'
import { range } from '../self-test/net.ts'
import { ATTACKER, ROUTER, SERVER } from '../self-test/self-test.ts'

const ROWS = 1_024
const STALE_AFTER_MS = 600_000
const WORDS = 8
/** What two hosts may well have to do with each other: see IANA "Assigned Internet Protocol Numbers". */
const USUAL = new Uint8Array(256)
for (const protocol of [1, 2, 4, 6, 17, 41, 47, 50, 51, 58, 88, 89, 103, 108, 112, 115, 132, 136, 137]) {
  USUAL[protocol] = 1
}

const settings = z
  .object({
    protocols: z
      .int()
      .min(2)
      .max(200)
      .default(6)
      .describe(
        'Different unusual IP protocols that one address may try at one host; those of tunnels, routing, TCP, UDP and ICMP do not count',
      ),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'protocol-scan',
  title: 'IP protocol scan',
  technique: 'T1046',
  settings,
  selfTest: {
    fires(net) {
      for (const protocol of range(255)) net.send(anyProtocol(ATTACKER, SERVER, protocol))
    },
    staysSilent(net) {
      for (const _ of range(50)) {
        for (const protocol of [2, 50, 51, 88, 89, 103, 112]) net.send(anyProtocol(ROUTER, SERVER, protocol))
        net.pass(1_000)
      }
    },
  },
  watch: (chosen: Settings, context) => new ProtocolScanWatcher(chosen, context),
})

/** nmap -sO: which protocols, not which ports, a host speaks. A row is a source and its target. */
class ProtocolScanWatcher implements Watcher {
  readonly protocols = [PROTOCOL.icmp]
  readonly #context: WatchContext
  readonly #hosts: Hosts
  readonly #settings: Settings
  readonly #rows: HostRows
  /** One bit for each protocol. */
  readonly #tried = new Uint32Array(ROWS * WORDS)

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#hosts = context.hosts
    this.#settings = chosen
    this.#rows = new HostRows(context.hosts, ROWS, STALE_AFTER_MS)
  }

  packet(packet: Packet): void {
    const { protocol, source, target, at } = packet
    if (USUAL[protocol] === 1 || packet.forward === 0 || source < 0 || target < 0) return
    const row = this.#rows.claim(source, target, 0, at)
    if (row < 0) return
    if (this.#rows.isFresh) this.#tried.fill(0, row * WORDS, (row + 1) * WORDS)
    const word = row * WORDS + (protocol >>> 5)
    const bit = 1 << (protocol & 31)
    const before = this.#tried[word] as number
    if ((before & bit) !== 0) return
    this.#tried[word] = before | bit
    const count = this.#rows.addWeight(row)
    if (count >= this.#settings.protocols && this.#rows.mayTell(row, at)) this.#tell(row, count, packet)
  }

  #tell(row: number, count: number, { at, length, protocol }: Packet): void {
    const rows = this.#rows
    rows.tell(row, at)
    const [subject, victim] = [this.#hosts.address(rows.first(row)), this.#hosts.address(rows.second(row))]
    const firstAt = rows.firstAt(row)
    const sample = {
      at,
      source: subject,
      sourcePort: 0,
      target: victim,
      targetPort: 0,
      protocol,
      tcpFlags: 0,
      length,
    }
    const finding: ReportedFinding = {
      ...{ kind: 'ip-protocol', severity: 'high', confidence: 0.9, at, subject, victim },
      summary: `${subject} tried ${count} unusual IP protocols of ${victim} in ${duration(at - firstAt)} (ip protocol scan)`,
      key: `protocol-scan ${subject} ${victim}`,
      because: `detectors.protocol-scan.protocols = ${this.#settings.protocols}`,
      spoofable: true,
      evidence: {
        ...{ firstAt, lastAt: at, count, ratePerSecond: rateOf(count, at - firstAt), samples: [sample] },
      },
    }
    this.#context.report(
      amongNames(finding, {
        rows,
        row,
        hosts: this.#hosts,
        what: `tried ${count} unusual IP protocols of ${victim}`,
      }),
    )
  }
}
