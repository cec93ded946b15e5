/** Hot: runs per UDP packet. Allocates nothing unless it reports. */
import { z } from 'zod'
import type { Hosts } from '#model/host.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { Crowd } from '../crowd.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { DnsQuestion } from '../dns-question.ts'
import { duration, rateOf } from '../evidence.ts'
import { HostRows } from '../host-rows.ts'
import { dnsMissing, dnsQuestion } from '../self-test/messages.ts'
import { type Net, range } from '../self-test/net.ts'
import { CLIENT, ROUTER } from '../self-test/self-test.ts'

const ROWS = 1_024
const WINDOW_MS = 300_000
const DNS_PORT = 53
/** So many times the limit leave little doubt. */
const SURE_TIMES = 3

const settings = z
  .object({
    generatedNames: z
      .int()
      .min(3)
      .max(10_000)
      .default(12)
      .describe(
        'Different domains that look made by a machine and do not exist, asked for by one client within five minutes',
      ),
    missingNames: z
      .int()
      .min(10)
      .max(100_000)
      .default(300)
      .describe('Different domains of any look that do not exist, within five minutes: a warning only'),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'generated-names',
  title: 'Generated domain names',
  technique: 'T1568.002',
  settings,
  selfTest: {
    fires(net) {
      for (const n of range(60)) askInVain(net, `${randomLetters(n)}.com`)
    },
    staysSilent(net) {
      for (const n of range(200)) askInVain(net, `${randomLetters(n)}.cdn.example.net`)
    },
  },
  watch: (chosen: Settings, context) => new GeneratedNamesWatcher(chosen, context),
})

function askInVain(net: Net, name: string): void {
  const [client, resolver] = [`${CLIENT}:40000`, `${ROUTER}:53`]
  net.say({ from: client, to: resolver, protocol: 'udp', payload: dnsQuestion(name) })
  net.say({ from: resolver, to: client, protocol: 'udp', payload: dnsMissing(name) })
  net.pass(200)
}

/** Twelve letters that look like chance, the same each time. */
const randomLetters = (n: number): string =>
  range(12)
    .map((at) => String.fromCharCode(97 + ((Math.imul(n * 12 + at, 0x9e3779b1) >>> 8) % 26)))
    .join('')

/**
 * Malware that looks for its master tries domains of the day, most of which nobody registered. A row is one client; what
 * counts are domains as somebody registers them, so that block lists, search domains and the names below one domain are
 * one, however many are asked for.
 */
class GeneratedNamesWatcher implements Watcher {
  readonly protocols = [PROTOCOL.udp]
  readonly wishes = { fromPorts: [DNS_PORT] }
  readonly #context: WatchContext
  readonly #hosts: Hosts
  readonly #settings: Settings
  readonly #question = new DnsQuestion()
  readonly #rows: HostRows
  readonly #beganAt = new Float64Array(ROWS)
  readonly #generated = new Crowd(ROWS)
  readonly #missing = new Crowd(ROWS)
  /** Answers of this window: no more names than these. */
  readonly #generatedCount = new Uint32Array(ROWS)
  readonly #missingCount = new Uint32Array(ROWS)

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#hosts = context.hosts
    this.#settings = chosen
    this.#rows = new HostRows(context.hosts, ROWS, WINDOW_MS)
  }

  packet(packet: Packet): void {
    // Answers to questions that were seen: others anybody can send in the name of a server.
    if (packet.sourcePort !== DNS_PORT || packet.forward !== 0 || packet.target < 0) return
    const question = this.#question
    if (!question.readMissing(packet) || question.isReverse) return
    const row = this.#claim(packet)
    if (row < 0) return
    this.#rows.addWeight(row)
    this.#missing.add(row, -1, question.parentHash)
    this.#missingCount[row] = (this.#missingCount[row] as number) + 1
    const isGenerated = question.isGenerated(packet)
    if (isGenerated) {
      this.#generated.add(row, -1, question.parentHash)
      this.#generatedCount[row] = (this.#generatedCount[row] as number) + 1
    }
    this.#weigh(row, isGenerated, packet)
  }

  #claim({ target, at }: Packet): number {
    const row = this.#rows.claim(target, -1, 0, at)
    if (row < 0 || (!this.#rows.isFresh && at - (this.#beganAt[row] as number) <= WINDOW_MS)) return row
    this.#beganAt[row] = at
    this.#generated.clear(row)
    this.#missing.clear(row)
    this.#generatedCount[row] = 0
    this.#missingCount[row] = 0
    return row
  }

  #weigh(row: number, isGenerated: boolean, packet: Packet): void {
    const { generatedNames, missingNames } = this.#settings
    if (isGenerated && (this.#generatedCount[row] as number) >= generatedNames) {
      const names = this.#generated.distinct(row)
      if (names >= generatedNames) this.#tell(row, 'generatedNames', names, packet)
    } else if ((this.#missingCount[row] as number) >= missingNames) {
      const names = this.#missing.distinct(row)
      if (names >= missingNames) this.#tell(row, 'missingNames', names, packet)
    }
  }

  #tell(row: number, setting: 'generatedNames' | 'missingNames', count: number, packet: Packet): void {
    const now = packet.at
    if (!this.#rows.mayTell(row, now)) return
    this.#rows.tell(row, now)
    const isGenerated = setting === 'generatedNames'
    const isSure = isGenerated && count >= this.#settings[setting] * SURE_TIMES
    const subject = this.#hosts.address(packet.target)
    const firstAt = this.#beganAt[row] as number
    const what = isGenerated ? 'generated-looking domains' : 'domains'
    this.#context.report({
      kind: isGenerated ? 'generated' : 'missing',
      severity: isSure ? 'high' : 'medium',
      confidence: isSure ? 0.65 : isGenerated ? 0.5 : 0.3,
      at: now,
      subject,
      summary: `${subject} asked for ${count} ${what} that do not exist in ${duration(now - firstAt)}, such as ${this.#question.parentText(packet)}`,
      key: `generated-names ${subject}`,
      because: `detectors.generated-names.${setting} = ${this.#settings[setting]}`,
      spoofable: true,
      evidence: {
        ...{ firstAt, lastAt: now, count, ratePerSecond: rateOf(count, now - firstAt) },
        ...{ ports: [DNS_PORT], hosts: [this.#hosts.address(packet.source)], samples: [] },
      },
    })
  }
}
