/** Hot: runs per flow. Allocates nothing unless it reports. */
import { z } from 'zod'
import type { Hosts } from '#model/host.ts'
import { type Packet, PROTOCOL, TCP } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { amongNames } from '../borrowed-names.ts'
import { defineDetector, type ReportedFinding, type WatchContext } from '../detector.ts'
import { duration, rateOf } from '../evidence.ts'
import { HostRows } from '../host-rows.ts'
import { range } from '../self-test/net.ts'
import { ATTACKER, SERVER } from '../self-test/self-test.ts'

const ROWS = 1_024
const STALE_AFTER_MS = 60_000

/** Probes that tell systems apart because no two answer nonsense alike; one bit each. */
const NONSENSE = { synFin: 1, none: 2, christmas: 4 } as const

const settings = z
  .object({
    kinds: z
      .int()
      .min(1)
      .max(3)
      .default(2)
      .describe(
        'Kinds of senseless TCP packets (SYN with FIN, no flag at all, FIN with PSH and URG) that one address may send to one host within a minute; one of them has to be SYN with FIN',
      ),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'os-fingerprint',
  title: 'Fingerprinting of the operating system',
  technique: 'T1595',
  settings,
  selfTest: {
    fires(net) {
      for (const flags of ['S', '', 'SFPU', 'A', 'FPU']) {
        net.silent({ from: ATTACKER, to: SERVER, port: 22, flags })
      }
    },
    staysSilent(net) {
      for (const port of range(30)) net.silent({ from: ATTACKER, to: SERVER, port, flags: 'FPU' })
    },
  },
  watch: (chosen: Settings, context) => new OsFingerprintWatcher(chosen, context),
})

/**
 * nmap -O sends T2 (no flags), T3 (SYN, FIN, PSH and URG) and T7 (FIN, PSH and URG) to one or two ports. A scan with one
 * kind of these is for port-scan to tell; SYN with FIN is no scan, as open ports answer it like a SYN. A row is a source
 * and its target.
 */
class OsFingerprintWatcher implements Watcher {
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

  flowOpened(_flow: number, packet: Packet): void {
    if (packet.protocol !== PROTOCOL.tcp) return
    const kind = nonsenseOf(packet.tcpFlags)
    if (kind === 0 || packet.source < 0 || packet.target < 0) return
    const row = this.#rows.claim(packet.source, packet.target, 0, packet.at)
    if (row < 0) return
    const before = this.#rows.isFresh ? 0 : (this.#seen[row] as number)
    const seen = before | kind
    this.#seen[row] = seen
    this.#rows.addWeight(row)
    const kinds = (seen & 1) + ((seen >> 1) & 1) + (seen >> 2)
    if ((seen & NONSENSE.synFin) === 0 || kinds < this.#settings.kinds) return
    if (seen !== before && this.#rows.mayTell(row, packet.at)) this.#tell(row, packet)
  }

  #tell(row: number, packet: Packet): void {
    const { at, sourcePort, targetPort, tcpFlags, length, protocol } = packet
    const rows = this.#rows
    rows.tell(row, at)
    const [subject, victim] = [this.#hosts.address(rows.first(row)), this.#hosts.address(rows.second(row))]
    const firstAt = rows.firstAt(row)
    const count = rows.weight(row)
    const sample = { at, source: subject, sourcePort, target: victim, targetPort, protocol, tcpFlags, length }
    const finding: ReportedFinding = {
      ...{ kind: 'os', severity: 'high', confidence: 0.85, at, subject, victim },
      summary: `${subject} sent ${count} senseless packets to ${victim} in ${duration(at - firstAt)}, as they tell operating systems apart`,
      key: `os-fingerprint ${subject} ${victim}`,
      because: `detectors.os-fingerprint.kinds = ${this.#settings.kinds}`,
      spoofable: true,
      evidence: {
        ...{ firstAt, lastAt: at, count, ratePerSecond: rateOf(count, at - firstAt), samples: [sample] },
        ports: [targetPort],
      },
    }
    this.#context.report(
      amongNames(finding, {
        rows,
        row,
        hosts: this.#hosts,
        what: `sent ${count} senseless packets each to ${victim}`,
      }),
    )
  }
}

const SIX_FLAGS = 0x3f

function nonsenseOf(flags: number): number {
  const six = flags & SIX_FLAGS
  if ((six & TCP.ack) !== 0) return 0
  if ((six & (TCP.syn | TCP.fin)) === (TCP.syn | TCP.fin)) return NONSENSE.synFin
  if (six === 0) return NONSENSE.none
  return six === (TCP.fin | TCP.psh | TCP.urg) ? NONSENSE.christmas : 0
}
