/** Hot: runs per flow. Allocates nothing unless it reports. */
import { z } from 'zod'
import type { Ip } from '#model/address.ts'
import type { Flows } from '#model/flow.ts'
import type { Hosts } from '#model/host.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { Attempts, TRIES_PER_ROW } from '../attempts.ts'
import { Companies, type Company, leastSharedOf } from '../company.ts'
import { defineDetector, type ReportedFinding, type WatchContext } from '../detector.ts'
import { duration, rateOf } from '../evidence.ts'
import { HostNotes } from '../host-notes.ts'
import { goesOn, type Limits, SPOKE, spoke } from '../limits.ts'
import {
  isForgedSyn,
  isRefusal,
  isUnlawful,
  keepSample,
  looksLikeReply,
  NO_PROBE,
  PROBE,
  PROBES,
  probeOf,
} from '../probe.ts'
import { Rounds } from '../rounds.ts'
import { range } from '../self-test/net.ts'
import { ATTACKER, CLIENT, SERVER } from '../self-test/self-test.ts'

const ROWS = 16_384
/** What was once open stays known this long: a monitor whose target goes down is no scanner. */
const STALE_AFTER_MS = 600_000
/** traceroute counts its UDP probes up from here (traceroute(8), `-p`). */
const TRACEROUTE_FIRST_PORT = 33_434
const TRACEROUTE_LAST_PORT = 33_690

const settings = z
  .object({
    refusedPorts: z
      .int()
      .min(3)
      .max(TRIES_PER_ROW)
      .default(6)
      .describe('Different closed ports of one host that one address may try'),
    silentPorts: z
      .int()
      .min(3)
      .max(TRIES_PER_ROW)
      .default(15)
      .describe('Different ports of one host that may leave one address without an answer'),
    silentUdpPorts: z
      .int()
      .min(3)
      .max(TRIES_PER_ROW)
      .default(30)
      .describe('The same for UDP, where many a service never answers'),
    pendingPorts: z
      .int()
      .min(3)
      .max(TRIES_PER_ROW)
      .default(60)
      .describe('Different ports of one host that one address may wait for at the same moment'),
    silentAfterSeconds: z
      .number()
      .min(0.1)
      .max(30)
      .default(1)
      .describe('A port that has not answered after this long is silent'),
    windowSeconds: z
      .number()
      .min(1)
      .max(3600)
      .default(120)
      .describe('Only tries within this many seconds count together'),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'port-scan',
  title: 'Port scan',
  technique: 'T1046',
  settings,
  selfTest: {
    fires(net) {
      for (const port of range(20)) net.refused({ from: ATTACKER, to: SERVER, port })
    },
    staysSilent(net) {
      for (const _ of range(300)) {
        net.refused({ from: CLIENT, to: SERVER, port: 5432 })
        net.pass(500)
      }
    },
  },
  watch: (chosen: Settings, context) => new PortScanWatcher(chosen, context),
})

/** A row is one source, one target and one kind of probe; what it tries are ports. */
class PortScanWatcher implements Watcher {
  readonly #context: WatchContext
  readonly #hosts: Hosts
  readonly #flows: Flows
  readonly #settings: Settings
  readonly #limits: Limits
  readonly #udpLimits: Limits
  readonly #attempts = new Attempts(ROWS, STALE_AFTER_MS)
  readonly #notes: HostNotes
  readonly #rounds: Rounds
  readonly #companies: Companies

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#hosts = context.hosts
    this.#flows = context.flows
    this.#settings = chosen
    this.#limits = {
      refused: chosen.refusedPorts,
      silent: chosen.silentPorts,
      pending: chosen.pendingPorts,
      windowMs: chosen.windowSeconds * 1000,
      silentMs: chosen.silentAfterSeconds * 1000,
    }
    this.#udpLimits = { ...this.#limits, silent: chosen.silentUdpPorts }
    this.#notes = new HostNotes(context.hosts)
    this.#rounds = new Rounds(context.hosts.capacity, this.#limits.windowMs)
    this.#companies = new Companies(context, {
      attempts: this.#attempts,
      leastShared: leastSharedOf(Math.min(chosen.refusedPorts, chosen.silentPorts, chosen.silentUdpPorts)),
      hostOf: (row) => this.#notes.hostOf(this.#attempts.who[row] as number),
    })
  }

  flowOpened(flow: number, packet: Packet): void {
    // One flow is no scan: a flood from a million sources ends here, on the line of memory that its host is on.
    if (flow < 0 || this.#hosts.flowCount(packet.source) < 2) return
    const probe = probeOf(packet.protocol, packet.tcpFlags, packet.sourcePort)
    if (probe !== NO_PROBE) this.#context.link.probe(packet)
    if (isUnlawful(probe)) this.#refuse(flow, probe, packet.at)
    else if (probe === PROBE.syn || probe === PROBE.udp) this.#begin(flow, probe, packet)
  }

  flowAnswered(flow: number): void {
    const source = this.#flows.source(flow)
    if (!this.#notes.isHeld(source)) return
    const protocol = this.#flows.protocol(flow)
    const probe = protocol === PROTOCOL.tcp ? PROBE.syn : PROBE.udp
    const row = this.#find(source, this.#flows.target(flow), probe)
    if (row < 0) return
    this.#attempts.answer(row, this.#flows.targetPort(flow))
    if (protocol === PROTOCOL.tcp) this.#attempts.noteHandshake(row)
  }

  flowRefused(flow: number, packet: Packet): void {
    // An ICMP error goes to the sender of what it is about: one about an answer is not about this flow's first packet.
    if (packet.target !== this.#flows.source(flow) || !isRefusal(packet)) return

    const [sourcePort, port] = [this.#flows.sourcePort(flow), this.#flows.targetPort(flow)]
    const probe = probeOf(this.#flows.protocol(flow), this.#flows.firstFlags(flow), sourcePort)
    if (probe === NO_PROBE || probe === PROBE.ping) return
    if (probe === PROBE.udp && isOrdinaryUdp(sourcePort, port)) return
    // Keep-alives and late FINs of a server to clients that are gone, seen from the middle.
    if ((probe === PROBE.ack || probe === PROBE.maimon) && port >= sourcePort) return

    this.#refuse(flow, probe, packet.at)
  }

  /** A half-open try is as good as refused, unless a real TCP stack made it: load balancers check health so. */
  flowAborted(flow: number, packet: Packet): void {
    const row = this.#find(packet.source, packet.target, PROBE.syn)
    if (row < 0) return
    const port = this.#flows.targetPort(flow)
    if (this.#attempts.isGenuine(row)) this.#attempts.answer(row, port)
    else if (this.#attempts.refuse(row, port, packet.at)) this.#weigh(row, flow, packet.at)
  }

  hostForgotten(host: number): void {
    this.#notes.forget(host)
  }

  /** Who goes on is found anew, as soon as the first time, and who does not is left alone. */
  hostReleased(host: number): void {
    this.#notes.forget(host)
  }

  tick(now: number): void {
    this.#rounds.advance(now)
    this.#notes.forgetTries(this.#rounds.start, this.#rounds.end)
    const attempts = this.#attempts
    for (let row = 0; row < attempts.capacity; row++) {
      if ((attempts.who[row] as number) < 0) continue
      if (attempts.timesTold[row] === 0 && attempts.pending[row] === 0 && attempts.failed[row] === 0) continue
      if (attempts.isStale(row, now)) attempts.forget(row)
      else this.#look(row, now)
    }
  }

  #begin(flow: number, probe: number, packet: Packet): void {
    const { source, targetPort, at } = packet
    if (!this.#notes.tries(source, targetPort)) return
    if (probe === PROBE.udp && isOrdinaryUdp(packet.sourcePort, targetPort)) return
    const row = this.#claim(flow, probe, at)
    if (row < 0 || !this.#attempts.begin(row, targetPort, at)) return
    if (probe === PROBE.syn) this.#attempts.noteSyn(row, isForgedSyn(packet))
    this.#weigh(row, flow, at)
  }

  #refuse(flow: number, probe: number, now: number): void {
    const row = this.#claim(flow, probe, now)
    if (row < 0 || !this.#attempts.refuse(row, this.#flows.targetPort(flow), now)) return
    this.#weigh(row, flow, now)
  }

  #look(row: number, now: number): void {
    const reason = this.#spoke(row, now)
    if (reason !== SPOKE.nothing || goesOn(this.#attempts, row, now)) this.#report(row, reason, now)
  }

  #weigh(row: number, flow: number, now: number): void {
    keepSample(this.#attempts, row, this.#flows.targetPort(flow), this.#flows, flow)
    const reason = this.#spoke(row, now)
    if (reason !== SPOKE.nothing) this.#report(row, reason, now)
  }

  #spoke(row: number, now: number): number {
    return spoke(this.#attempts, row, this.#isUdp(row) ? this.#udpLimits : this.#limits, now)
  }

  #isUdp(row: number): boolean {
    return ((this.#attempts.what[row] as number) & 7) === PROBE.udp
  }

  #claim(flow: number, probe: number, now: number): number {
    const notes = this.#notes
    const source = this.#flows.source(flow)
    notes.hold(source)
    const port = this.#flows.targetPort(flow)
    const what = (notes.markOf(this.#flows.target(flow)) << 3) | probe
    const row = this.#attempts.claim(notes.markOf(source), what, now, notes.variety(source, port))
    // No room, as in a flood at closed ports: who tries more than its forged sources is let in.
    if (row < 0) notes.tries(source, port)
    return row
  }

  #find(source: number, target: number, probe: number): number {
    return this.#attempts.find(this.#notes.markOf(source), (this.#notes.markOf(target) << 3) | probe)
  }

  #report(row: number, reason: number, now: number): void {
    const told = this.#companies.tell(row, reason, now)
    this.#tell(told.row, told.company, now)
  }

  #tell(row: number, company: Company | undefined, now: number): void {
    const what = this.#attempts.what[row] as number
    const source = this.#notes.hostOf(this.#attempts.who[row] as number)
    const target = this.#notes.hostOf(what >>> 3)
    if (source < 0 || target < 0) {
      this.#attempts.forget(row)
      return
    }
    const [subject, victim] = [this.#hosts.address(source), this.#hosts.address(target)]
    const story = this.#story(row, { subject, victim, probe: what & 7 })
    const finding = { ...story, at: now, ...this.#because(row) }
    this.#companies.report(finding, company, `tried ${story.evidence.count} ports of ${victim}`)
  }

  #story(
    row: number,
    { subject, victim, probe }: { subject: Ip; victim: Ip; probe: number },
  ): Omit<ReportedFinding, 'at' | 'because' | 'confidence'> {
    const attempts = this.#attempts
    const [firstAt, lastAt] = [attempts.firstAt[row] as number, attempts.lastAt[row] as number]
    const count = attempts.distinct(row)
    const kind = probe === PROBE.syn && attempts.isGenuine(row) ? 'connect' : (PROBES[probe] as string)
    const protocol = probe === PROBE.udp ? PROTOCOL.udp : PROTOCOL.tcp
    return {
      kind,
      severity: 'high',
      subject,
      victim,
      summary: `${subject} tried ${count} ports of ${victim} in ${duration(lastAt - firstAt)} (${kind} scan)`,
      key: `port-scan ${subject} ${victim}`,
      spoofable: attempts.handshakes[row] === 0,
      evidence: {
        firstAt,
        lastAt,
        count,
        ratePerSecond: rateOf(count, lastAt - firstAt),
        ports: attempts.things(row),
        samples: attempts.samples.of(row).map(({ at, thing, sourcePort, flags, length }) => ({
          ...{ at, source: subject, sourcePort, target: victim, targetPort: thing },
          ...{ protocol, tcpFlags: flags, length },
        })),
      },
    }
  }

  /** What turned somebody away is surer than what stays silent. */
  #because(row: number): Pick<ReportedFinding, 'because' | 'confidence'> {
    const reason = this.#attempts.toldBecause[row]
    const silent = this.#isUdp(row) ? 'silentUdpPorts' : 'silentPorts'
    const setting =
      reason === SPOKE.refused ? 'refusedPorts' : reason === SPOKE.silent ? silent : 'pendingPorts'
    return {
      because: `detectors.port-scan.${setting} = ${this.#settings[setting]}`,
      confidence: reason === SPOKE.refused ? 0.95 : 0.8,
    }
  }
}

/** Answers of a service whose question we did not see, traceroute: many ports of one host by UDP, and yet no scan. */
const isOrdinaryUdp = (sourcePort: number, targetPort: number): boolean =>
  looksLikeReply(sourcePort, targetPort) ||
  (targetPort >= TRACEROUTE_FIRST_PORT && targetPort <= TRACEROUTE_LAST_PORT)
