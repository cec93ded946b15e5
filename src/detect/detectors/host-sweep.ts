/** Hot: runs per flow. Allocates nothing unless it reports. */
import { z } from 'zod'
import type { Flows } from '#model/flow.ts'
import type { Hosts } from '#model/host.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { ArpSweep } from '../arp-sweep.ts'
import { Attempts, TRIES_PER_ROW } from '../attempts.ts'
import { Companies, type Company, leastSharedOf } from '../company.ts'
import { defineDetector, type ReportedFinding, type WatchContext } from '../detector.ts'
import { duration, rateOf } from '../evidence.ts'
import { HostNotes } from '../host-notes.ts'
import { goesOn, type Limits, SPOKE, spoke } from '../limits.ts'
import { isForgedSyn, isRefusal, isUnlawful, keepSample, PROBE, PROBES, probeOf } from '../probe.ts'
import { Rounds } from '../rounds.ts'
import { range } from '../self-test/net.ts'
import { ATTACKER, CLIENT } from '../self-test/self-test.ts'
import { Variety } from '../variety.ts'

const ROWS = 16_384
const STALE_AFTER_MS = 600_000
/** A host that talks to so many kinds of port (of 32) finds its peers at ports of their choice. */
const PEER_TO_PEER_PORTS = 12
const WEB_PORTS: readonly number[] = [80, 443]

const settings = z
  .object({
    refusedHosts: z
      .int()
      .min(3)
      .max(TRIES_PER_ROW)
      .default(6)
      .describe('Different hosts that may refuse one address on the same port'),
    silentHosts: z
      .int()
      .min(3)
      .max(TRIES_PER_ROW)
      .default(20)
      .describe('Different hosts that may leave one address without an answer on the same port'),
    silentAfterSeconds: z
      .number()
      .min(0.1)
      .max(30)
      .default(1)
      .describe('A host that has not answered after this long is silent'),
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
  id: 'host-sweep',
  title: 'Host sweep',
  technique: 'T1018',
  settings,
  selfTest: {
    fires(net) {
      for (const host of range(20)) net.refused({ from: ATTACKER, to: `192.0.2.${host}`, port: 22 })
    },
    staysSilent(net) {
      for (const host of range(200)) net.connects({ from: CLIENT, to: `198.51.100.${host}`, port: 443 })
    },
  },
  watch: (chosen: Settings, context) => new HostSweepWatcher(chosen, context),
})

/** A row is one source and one port by one kind of probe; what it tries are hosts. */
class HostSweepWatcher implements Watcher {
  readonly #context: WatchContext
  readonly #hosts: Hosts
  readonly #flows: Flows
  readonly #settings: Settings
  readonly #limits: Limits
  readonly #attempts = new Attempts(ROWS, STALE_AFTER_MS)
  readonly #notes: HostNotes
  readonly #ports: Variety
  readonly #arp: ArpSweep
  readonly #rounds: Rounds
  readonly #companies: Companies

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#hosts = context.hosts
    this.#flows = context.flows
    this.#settings = chosen
    this.#limits = {
      refused: chosen.refusedHosts,
      silent: chosen.silentHosts,
      // A browser waits for dozens of hosts at a time: what is pending says nothing yet.
      pending: Number.POSITIVE_INFINITY,
      windowMs: chosen.windowSeconds * 1000,
      silentMs: chosen.silentAfterSeconds * 1000,
    }
    this.#notes = new HostNotes(context.hosts)
    this.#rounds = new Rounds(context.hosts.capacity, this.#limits.windowMs)
    this.#companies = new Companies(context, {
      attempts: this.#attempts,
      leastShared: leastSharedOf(Math.min(chosen.refusedHosts, chosen.silentHosts)),
      hostOf: (row) => this.#notes.hostOf(this.#attempts.who[row] as number),
    })
    this.#ports = new Variety(context.hosts.capacity)
    this.#arp = new ArpSweep(this.#limits, chosen.silentHosts, context)
  }

  flowOpened(flow: number, packet: Packet): void {
    const { source, target } = packet
    // One flow is no sweep: a flood from a million sources ends here, on the line of memory that its host is on.
    if (flow < 0 || this.#hosts.flowCount(source) < 2) return
    if (!this.#notes.tries(source, target)) return
    const probe = probeOf(packet.protocol, packet.tcpFlags, packet.sourcePort)
    if (!isTried(probe)) return
    this.#context.link.probe(packet)
    const port = portOf(probe, packet.targetPort)
    this.#ports.add(source, port)
    if (this.#hosts.isGroup(target)) return

    const row = this.#claim(flow, port, probe, packet.at)
    if (row < 0) return
    const isNew = isUnlawful(probe)
      ? this.#attempts.refuse(row, this.#notes.markOf(target), packet.at)
      : this.#attempts.begin(row, this.#notes.markOf(target), packet.at)
    if (!isNew) return
    if (probe === PROBE.syn) this.#attempts.noteSyn(row, isForgedSyn(packet))
    this.#weigh(row, flow, packet.at)
  }

  flowAnswered(flow: number): void {
    const source = this.#flows.source(flow)
    if (!this.#notes.isHeld(source)) return
    const probe = this.#probeOfFlow(flow)
    const row = this.#find(source, portOf(probe, this.#flows.targetPort(flow)), probe)
    if (row < 0) return
    this.#attempts.answer(row, this.#notes.markOf(this.#flows.target(flow)))
    if (probe === PROBE.syn) this.#attempts.noteHandshake(row)
  }

  flowRefused(flow: number, packet: Packet): void {
    const source = this.#flows.source(flow)
    const target = this.#flows.target(flow)
    if (packet.target !== source || !isRefusal(packet)) return
    const probe = this.#probeOfFlow(flow)
    if (!isTried(probe)) return
    const row = this.#claim(flow, portOf(probe, this.#flows.targetPort(flow)), probe, packet.at)
    if (row < 0) return
    if (this.#attempts.refuse(row, this.#notes.markOf(target), packet.at)) this.#weigh(row, flow, packet.at)
  }

  /** A half-open try is as good as refused, unless a real TCP stack made it: load balancers check health so. */
  flowAborted(flow: number, packet: Packet): void {
    const row = this.#claim(flow, this.#flows.targetPort(flow), PROBE.syn, packet.at)
    if (row < 0) return
    const target = this.#notes.markOf(packet.target)
    if (this.#attempts.isGenuine(row)) this.#attempts.answer(row, target)
    else if (this.#attempts.refuse(row, target, packet.at)) this.#weigh(row, flow, packet.at)
  }

  arp(packet: Packet): void {
    this.#arp.arp(packet)
  }

  hostForgotten(host: number): void {
    if (this.#notes.forget(host)) this.#ports.forget(host)
  }

  /** As in port-scan. */
  hostReleased(host: number): void {
    this.hostForgotten(host)
  }

  tick(now: number): void {
    this.#arp.tick(now)
    this.#rounds.advance(now)
    this.#notes.forgetTries(this.#rounds.start, this.#rounds.end)
    this.#ports.turn(this.#rounds.start, this.#rounds.end)
    const attempts = this.#attempts
    for (let row = 0; row < attempts.capacity; row++) {
      if ((attempts.who[row] as number) < 0) continue
      if (attempts.timesTold[row] === 0 && attempts.pending[row] === 0 && attempts.failed[row] === 0) continue
      if (attempts.isStale(row, now)) attempts.forget(row)
      else this.#look(row, now)
    }
  }

  #look(row: number, now: number): void {
    const reason = spoke(this.#attempts, row, this.#limits, now)
    if (reason === SPOKE.nothing && !goesOn(this.#attempts, row, now)) return
    // Who gets in as often as not is no stranger who tries doors.
    const failed = (this.#attempts.failed[row] as number) + (this.#attempts.pending[row] as number)
    if (reason !== SPOKE.nothing && failed <= this.#attempts.answeredOf(row)) return
    this.#report(row, reason, now)
  }

  #weigh(row: number, flow: number, now: number): void {
    keepSample(this.#attempts, row, this.#notes.markOf(this.#flows.target(flow)), this.#flows, flow)
    this.#look(row, now)
  }

  #probeOfFlow(flow: number): number {
    return probeOf(this.#flows.protocol(flow), this.#flows.firstFlags(flow), this.#flows.sourcePort(flow))
  }

  #claim(flow: number, port: number, probe: number, now: number): number {
    const notes = this.#notes
    const source = this.#flows.source(flow)
    notes.hold(source)
    const target = this.#flows.target(flow)
    const what = (port << 3) | probe
    const row = this.#attempts.claim(notes.markOf(source), what, now, notes.variety(source, target))
    // As in port-scan.
    if (row < 0) notes.tries(source, target)
    return row
  }

  #find(source: number, port: number, probe: number): number {
    return this.#attempts.find(this.#notes.markOf(source), (port << 3) | probe)
  }

  #report(row: number, reason: number, now: number): void {
    const told = this.#companies.tell(row, reason, now)
    this.#tell(told.row, told.company, now)
  }

  #tell(row: number, company: Company | undefined, now: number): void {
    const source = this.#notes.hostOf(this.#attempts.who[row] as number)
    if (source < 0) {
      this.#attempts.forget(row)
      return
    }
    const finding = {
      ...this.#story(row, source),
      ...this.#because(this.#attempts.toldBecause[row] as number),
      at: now,
    }
    const [port] = finding.evidence.ports ?? []
    const aim = port === undefined ? '' : ` port ${port} of`
    this.#companies.report(finding, company, `tried${aim} ${finding.evidence.count} hosts`)
  }

  #story(row: number, source: number): Omit<ReportedFinding, 'at' | 'because' | 'confidence'> {
    const attempts = this.#attempts
    const what = attempts.what[row] as number
    const [port, probe] = [what >>> 3, what & 7]
    const subject = this.#hosts.address(source)
    const [firstAt, lastAt] = [attempts.firstAt[row] as number, attempts.lastAt[row] as number]
    const count = attempts.distinct(row)
    const kind = probe === PROBE.syn && attempts.isGenuine(row) ? 'connect' : (PROBES[probe] as string)
    const aim = probe === PROBE.ping ? '' : ` port ${port} of`
    return {
      kind,
      severity: this.#isHarmlessOften(row, source) ? 'medium' : 'high',
      subject,
      summary: `${subject} tried${aim} ${count} hosts in ${duration(lastAt - firstAt)} (${kind} sweep)`,
      key: `host-sweep ${subject} ${kind === 'connect' ? 'syn' : kind} ${port}`,
      spoofable: attempts.handshakes[row] === 0,
      evidence: {
        ...{ firstAt, lastAt, count, ratePerSecond: rateOf(count, lastAt - firstAt) },
        ...(aim !== '' && { ports: [port] }),
        hosts: attempts.things(row).flatMap((mark) => this.#addressOf(mark)),
        samples: this.#samplesOf(row, source, probe),
      },
    }
  }

  #samplesOf(row: number, source: number, probe: number): ReportedFinding['evidence']['samples'] {
    const port = (this.#attempts.what[row] as number) >>> 3
    const subject = this.#hosts.address(source)
    const protocol = protocolOf(probe, this.#hosts.isIpv6(source))
    return this.#attempts.samples.of(row).flatMap(({ at, thing, sourcePort, flags, length }) =>
      this.#addressOf(thing).map((target) => ({
        ...{ at, source: subject, sourcePort, target, targetPort: port },
        ...{ protocol, tcpFlags: flags, length },
      })),
    )
  }

  /** Empty when the table forgot the host since. */
  #addressOf(mark: number): ReportedFinding['subject'][] {
    const host = this.#notes.hostOf(mark)
    return host < 0 ? [] : [this.#hosts.address(host)]
  }

  /**
   * Sweeps that peaceful hosts make too: a monitor pings; DNS and games get no answer by UDP; a host without IPv6
   * uplink tries web servers; BitTorrent finds dead peers.
   */
  #isHarmlessOften(row: number, source: number): boolean {
    const what = this.#attempts.what[row] as number
    const [port, probe] = [what >>> 3, what & 7]
    if (probe === PROBE.ping) return true
    if (port >= 1024 && this.#ports.of(source) >= PEER_TO_PEER_PORTS) return true
    const isSilent = this.#attempts.toldBecause[row] !== SPOKE.refused
    return isSilent && (probe === PROBE.udp || WEB_PORTS.includes(port))
  }

  #because(reason: number): Pick<ReportedFinding, 'because' | 'confidence'> {
    const { refusedHosts, silentHosts } = this.#settings
    return reason === SPOKE.refused
      ? { because: `detectors.host-sweep.refusedHosts = ${refusedHosts}`, confidence: 0.9 }
      : { because: `detectors.host-sweep.silentHosts = ${silentHosts}`, confidence: 0.7 }
  }
}

const isTried = (probe: number): boolean => probe >= 0 && probe !== PROBE.ack && probe !== PROBE.maimon

/** Echo requests have no port: their code is not one. */
const portOf = (probe: number, targetPort: number): number => (probe === PROBE.ping ? 0 : targetPort)

function protocolOf(probe: number, isIpv6: boolean): number {
  if (probe === PROBE.udp) return PROTOCOL.udp
  if (probe === PROBE.ping) return isIpv6 ? PROTOCOL.icmpv6 : PROTOCOL.icmp
  return PROTOCOL.tcp
}
