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
import { dnsQuestion } from '../self-test/messages.ts'
import { type Net, range } from '../self-test/net.ts'
import { CLIENT, ROUTER } from '../self-test/self-test.ts'
import { Sliding } from '../sliding.ts'

const ROWS = 2_048
const STALE_AFTER_MS = 600_000
const WINDOW_MS = 60_000
const LONG_MS = 1_800_000
const DNS_PORT = 53
/** Names that differ, as a share of the questions: who asks for the same long name again carries nothing. */
const DIFFERENT = 0.5
/** Types whose answers hold any bytes (RFC 1035 §3.3, RFC 6895 §3.1): the data comes with them, and names may be short. */
const NULL = 10
const TXT = 16
const KEY = 25
const FIRST_PRIVATE = 65_280
/** Keeps the rows of such questions apart. */
const TEXT_ROW = 0x54585400

const settings = z
  .object({
    carriedBytes: z
      .int()
      .min(10)
      .max(240)
      .default(40)
      .describe(
        'A name is long that has so many bytes before the domain that somebody registered; addresses in names of block lists do not count',
      ),
    questionsPerMinute: z
      .int()
      .min(5)
      .max(100_000)
      .default(60)
      .describe(
        'Different long names of one domain, or names of any length whose texts (TXT, NULL) are asked for, that one client may ask for in a minute',
      ),
    perHalfHour: z
      .int()
      .min(10)
      .max(1_000_000)
      .default(900)
      .describe('The same within half an hour: tunnels that take their time'),
    tunnelTimes: z
      .number()
      .min(1)
      .max(1_000)
      .default(4)
      .describe(
        'So many times that are a tunnel; less is a warning, as some virus scanners look up files so',
      ),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'dns-tunnel',
  title: 'DNS tunnel',
  technique: 'T1071.004',
  settings,
  selfTest: {
    fires(net) {
      for (const n of range(300)) ask(net, `${scrambled(n)}.${scrambled(n + 7)}.t.example.com`)
    },
    staysSilent(net) {
      for (const n of range(300)) ask(net, `www.site-${n}.example`)
    },
  },
  watch: (chosen: Settings, context) => new DnsTunnelWatcher(chosen, context),
})

const ask = (net: Net, name: string): void => {
  net.say({ from: `${CLIENT}:40000`, to: `${ROUTER}:53`, protocol: 'udp', payload: dnsQuestion(name) })
  net.pass(100)
}

/** Forty hexadecimal digits that look like chance, the same each time. */
const scrambled = (n: number): string =>
  range(5)
    .map((part) => Math.imul(n * 5 + part, 0x9e3779b1) >>> 0)
    .map((word) => word.toString(16).padStart(8, '0'))
    .join('')

/** A row is one client and one registered domain, and whether what is asked for is text. */
class DnsTunnelWatcher implements Watcher {
  readonly protocols = [PROTOCOL.udp]
  readonly wishes = { toPorts: [DNS_PORT] }
  readonly #context: WatchContext
  readonly #hosts: Hosts
  readonly #settings: Settings
  readonly #question = new DnsQuestion()
  readonly #rows: HostRows
  readonly #asked = new Sliding(ROWS, WINDOW_MS)
  readonly #slowly = new Sliding(ROWS, LONG_MS)
  readonly #names = new Crowd(ROWS)
  readonly #bytes = new Float64Array(ROWS)
  readonly #toldTunnel = new Uint8Array(ROWS)

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#hosts = context.hosts
    this.#settings = chosen
    this.#rows = new HostRows(context.hosts, ROWS, STALE_AFTER_MS)
  }

  packet(packet: Packet): void {
    if (packet.targetPort !== DNS_PORT || packet.protocol !== PROTOCOL.udp || packet.source < 0) return
    const question = this.#question
    if (!question.read(packet) || question.isReverse || question.carried === 0) return
    const isText = isTextType(question.type)
    if (!isText && question.carried < this.#settings.carriedBytes) return
    const what = isText ? question.parentHash ^ TEXT_ROW : question.parentHash
    const row = this.#rows.claim(packet.source, -1, what, packet.at)
    if (row < 0) return
    if (this.#rows.isFresh) {
      this.#asked.clear(row)
      this.#slowly.clear(row)
      this.#names.clear(row)
      this.#bytes[row] = 0
      this.#toldTunnel[row] = 0
    }
    this.#asked.add(row, packet.at)
    this.#slowly.add(row, packet.at)
    this.#names.add(row, -1, question.carriedHash)
    this.#bytes[row] = (this.#bytes[row] as number) + question.carried
    if (this.#rows.addWeight(row) >= this.#settings.questionsPerMinute) this.#weigh(row, packet)
  }

  #weigh(row: number, packet: Packet): void {
    const { questionsPerMinute, perHalfHour, tunnelTimes } = this.#settings
    const lately = this.#asked.within(row, packet.at)
    const slowly = this.#slowly.within(row, packet.at)
    const times = Math.max(lately / questionsPerMinute, slowly / perHalfHour)
    if (times < 1) return
    const isTunnel = times >= tunnelTimes
    const isWorse = isTunnel && this.#toldTunnel[row] === 0
    if (!isWorse && !this.#rows.mayTell(row, packet.at)) return
    if (this.#names.distinct(row) < this.#rows.weight(row) * DIFFERENT) return
    if (isTunnel) this.#toldTunnel[row] = 1
    const isFast = lately / questionsPerMinute >= times
    this.#report(row, { isTunnel, isFast, count: isFast ? lately : slowly }, packet)
  }

  #report(row: number, { isTunnel, isFast, count }: Judgement, packet: Packet): void {
    const now = packet.at
    const rows = this.#rows
    rows.tell(row, now)
    const subject = this.#hosts.address(rows.first(row))
    const domain = this.#question.parentText(packet)
    const firstAt = Math.max(rows.firstAt(row), now - (isFast ? WINDOW_MS : LONG_MS))
    const setting = isTunnel ? 'tunnelTimes' : isFast ? 'questionsPerMinute' : 'perHalfHour'
    const isText = isTextType(this.#question.type)
    this.#context.report({
      kind: isText ? 'texts' : 'questions',
      severity: isTunnel ? 'high' : 'medium',
      confidence: isTunnel ? 0.8 : 0.5,
      at: now,
      subject,
      summary: `${subject} asked for ${count} ${isText ? 'texts' : 'long names'} of ${domain} in ${duration(now - firstAt)}`,
      key: `dns-tunnel ${subject} ${domain}${isText ? ' texts' : ''}`,
      because: `detectors.dns-tunnel.${setting} = ${this.#settings[setting]}`,
      spoofable: true,
      evidence: {
        ...{ firstAt, lastAt: now, count, ratePerSecond: rateOf(count, now - firstAt) },
        ...{ ports: [DNS_PORT], bytes: this.#bytes[row] as number, samples: [] },
      },
    })
  }
}

interface Judgement {
  readonly isTunnel: boolean
  /** Within the minute, not the half hour. */
  readonly isFast: boolean
  readonly count: number
}

const isTextType = (type: number): boolean =>
  type === TXT || type === NULL || type === KEY || type >= FIRST_PRIVATE
