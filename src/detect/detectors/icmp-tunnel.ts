/** Hot: runs per ICMP packet. Allocates nothing unless it reports. */
import { z } from 'zod'
import type { Hosts } from '#model/host.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { duration, rateOf } from '../evidence.ts'
import { HostRows } from '../host-rows.ts'
import { type Net, range } from '../self-test/net.ts'
import { ATTACKER, CLIENT } from '../self-test/self-test.ts'
import { Sliding } from '../sliding.ts'

const ROWS = 1_024
const STALE_AFTER_MS = 600_000
const WINDOW_MS = 60_000
/** Requests of each pair that are remembered until their answers come. */
const PENDING = 8
/** Bytes of the data that are compared. */
const COMPARED = 64
/** ping puts the time into the first bytes of each request; what follows is the same in all of them. */
const TIME_BYTES = 16
const PATTERN_BYTES = 32
/** Patterns of each pair that are known: several programs may ping the same host. */
const PATTERNS = 4
const ECHO_REQUEST = { v4: 8, v6: 128 } as const
const ECHO_REPLY = { v4: 0, v6: 129 } as const

const settings = z
  .object({
    strangeAnswers: z
      .int()
      .min(2)
      .max(10_000)
      .default(10)
      .describe(
        'Echo answers a minute between two hosts that carry other data than was asked with, or that nobody asked for',
      ),
    changingRequests: z
      .int()
      .min(5)
      .max(10_000)
      .default(30)
      .describe(
        'Echo requests a minute between two hosts that each carry other data than those before: a warning',
      ),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'icmp-tunnel',
  title: 'ICMP tunnel',
  technique: 'T1095',
  settings,
  selfTest: {
    fires(net) {
      for (const n of range(15)) ping(net, n, `other data than in ${n}`)
    },
    staysSilent(net) {
      for (const n of range(100)) ping(net, n, `request ${n}`)
    },
  },
  watch: (chosen: Settings, context) => new IcmpTunnelWatcher(chosen, context),
})

function ping(net: Net, n: number, answered: string): void {
  const about = { protocol: 'icmp', word: 0x00070000 + n } as const
  net.say({ ...about, from: CLIENT, to: ATTACKER, type: 8, payload: `request ${n}` })
  net.say({ ...about, from: ATTACKER, to: CLIENT, type: 0, payload: answered })
  net.pass(1_000)
}

/**
 * An echo reply must return the data of its request unchanged (RFC 792, RFC 4443 §4.2), and programs that ping send the
 * same again and again. A row is who asks and who answers.
 */
class IcmpTunnelWatcher implements Watcher {
  readonly protocols = [PROTOCOL.icmp, PROTOCOL.icmpv6]
  readonly #context: WatchContext
  readonly #hosts: Hosts
  readonly #settings: Settings
  readonly #rows: HostRows
  readonly #strange = new Sliding(ROWS, WINDOW_MS)
  readonly #changing = new Sliding(ROWS, WINDOW_MS)
  readonly #bytes = new Float64Array(ROWS)
  /** Hashes of what requests carried after the time; a ring for each row. */
  readonly #patterns = new Int32Array(ROWS * PATTERNS)
  readonly #patternCount = new Uint32Array(ROWS)
  /** Identifier and sequence number of requests, and a hash of their data; a ring for each row. */
  readonly #asked = new Int32Array(ROWS * PENDING)
  readonly #hashes = new Int32Array(ROWS * PENDING)
  readonly #hands = new Uint8Array(ROWS)

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#hosts = context.hosts
    this.#settings = chosen
    this.#rows = new HostRows(context.hosts, ROWS, STALE_AFTER_MS)
  }

  packet(packet: Packet): void {
    if (packet.protocol !== PROTOCOL.icmp && packet.protocol !== PROTOCOL.icmpv6) return
    // Nothing to compare.
    if (packet.source < 0 || packet.target < 0 || packet.payloadEnd <= packet.payloadStart) return
    const type = packet.sourcePort
    const isIpv6 = packet.version === 6
    if (type === (isIpv6 ? ECHO_REQUEST.v6 : ECHO_REQUEST.v4)) this.#ask(packet)
    else if (type === (isIpv6 ? ECHO_REPLY.v6 : ECHO_REPLY.v4)) this.#answer(packet)
  }

  #ask(packet: Packet): void {
    const row = this.#rows.claim(packet.source, packet.target, 0, packet.at)
    if (row < 0) return
    if (this.#rows.isFresh) this.#clear(row)
    const hand = this.#hands[row] as number
    this.#hands[row] = (hand + 1) % PENDING
    const at = row * PENDING + hand
    this.#asked[at] = packet.view.getInt32(packet.payloadStart - 4)
    this.#hashes[at] = hashOf(packet)
    if (packet.payloadEnd - packet.payloadStart >= TIME_BYTES + PATTERN_BYTES) this.#notePattern(row, packet)
  }

  #notePattern(row: number, packet: Packet): void {
    const pattern = hashBetween(packet, TIME_BYTES, TIME_BYTES + PATTERN_BYTES)
    const count = this.#patternCount[row] as number
    const start = row * PATTERNS
    for (let at = start; at < start + Math.min(PATTERNS, count); at++) {
      if (this.#patterns[at] === pattern) return
    }
    this.#patterns[start + (count % PATTERNS)] = pattern
    this.#patternCount[row] = count + 1
    this.#changing.add(row, packet.at)
    this.#bytes[row] = (this.#bytes[row] as number) + packet.payloadLength
    const lately = this.#changing.within(row, packet.at)
    if (lately >= this.#settings.changingRequests && this.#rows.mayTell(row, packet.at))
      this.#report(row, 'requests', lately, packet.at)
  }

  #answer(packet: Packet): void {
    const row = this.#rows.find(packet.target, packet.source, 0)
    if (row < 0) return
    const asked = packet.view.getInt32(packet.payloadStart - 4)
    const hash = hashOf(packet)
    let isKnown = false
    for (let at = row * PENDING; at < (row + 1) * PENDING; at++) {
      if (this.#asked[at] !== asked) continue
      if (this.#hashes[at] === hash) return
      isKnown = true
    }
    // The answer to a request that is no longer remembered is nothing strange.
    if (!isKnown) return
    this.#strange.add(row, packet.at)
    this.#bytes[row] = (this.#bytes[row] as number) + packet.payloadLength
    this.#rows.addWeight(row)
    const count = this.#strange.within(row, packet.at)
    if (count >= this.#settings.strangeAnswers && this.#rows.mayTell(row, packet.at))
      this.#report(row, 'echo', count, packet.at)
  }

  #clear(row: number): void {
    this.#strange.clear(row)
    this.#changing.clear(row)
    this.#patternCount[row] = 0
    this.#bytes[row] = 0
    this.#asked.fill(0, row * PENDING, (row + 1) * PENDING)
    this.#hashes.fill(0, row * PENDING, (row + 1) * PENDING)
  }

  #report(row: number, kind: 'echo' | 'requests', count: number, now: number): void {
    const rows = this.#rows
    rows.tell(row, now)
    const subject = this.#hosts.address(rows.first(row))
    const peer = this.#hosts.address(rows.second(row))
    const firstAt = Math.max(rows.firstAt(row), now - WINDOW_MS)
    const bytes = this.#bytes[row] as number
    const isEcho = kind === 'echo'
    const setting = isEcho ? 'strangeAnswers' : 'changingRequests'
    const what = isEcho ? 'answers differ from what was asked' : 'requests each carried something else'
    this.#context.report({
      kind,
      severity: isEcho ? 'high' : 'medium',
      confidence: isEcho ? 0.8 : 0.5,
      at: now,
      subject,
      victim: peer,
      summary: `${subject} exchanges data with ${peer} in pings: ${count} ${what} in ${duration(now - firstAt)}`,
      key: `icmp-tunnel ${subject} ${peer}${isEcho ? '' : ' requests'}`,
      because: `detectors.icmp-tunnel.${setting} = ${this.#settings[setting]}`,
      spoofable: true,
      evidence: {
        ...{ firstAt, lastAt: now, count, ratePerSecond: rateOf(count, now - firstAt) },
        ...{ bytes, samples: [] },
      },
    })
  }
}

/** FNV-1a over the first bytes of the data, and their number. */
const hashOf = (packet: Packet): number => hashBetween(packet, 0, COMPARED) ^ packet.payloadLength

function hashBetween({ view, payloadStart, payloadEnd }: Packet, from: number, to: number): number {
  const end = Math.min(payloadEnd, payloadStart + to)
  let hash = 0x811c9dc5 | 0
  for (let at = payloadStart + from; at < end; at++) hash = Math.imul(hash ^ view.getUint8(at), 0x01000193)
  return hash
}
