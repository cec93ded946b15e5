/** Hot: runs per flow. Allocates nothing unless it reports. */
import { z } from 'zod'
import { bitsOf } from '#lib/bits.ts'
import type { Severity } from '#model/finding.ts'
import { END_REASONS, FLOW_STATES, type Flows } from '#model/flow.ts'
import type { Hosts } from '#model/host.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import {
  AddressRows,
  addressHash,
  receiverHash,
  senderHash,
  sharesSubnet,
  subnetHash,
} from '../address-rows.ts'
import { blamingNobody } from '../borrowed-names.ts'
import { ContactMemory } from '../contact-memory.ts'
import { defineDetector, type ReportedFinding, type WatchContext } from '../detector.ts'
import { duration } from '../evidence.ts'
import { isRefusal, isUnlawful, looksLikeReply, PROBE, probeOf } from '../probe.ts'
import { range } from '../self-test/net.ts'
import { ATTACKER, CLIENT, SERVER } from '../self-test/self-test.ts'
import { ShutDoors } from '../shut-doors.ts'
import { Sliding } from '../sliding.ts'

const ROWS = 16_384
const CONTACTS = 64
/** Jung et al. 2004, §5: the chance that a first contact succeeds, of honest hosts and of scanners. */
const HONEST_SUCCEEDS = 0.8
const SCANNER_SUCCEEDS = 0.2
const FAILURE = Math.log((1 - SCANNER_SUCCEEDS) / (1 - HONEST_SUCCEEDS))
const SUCCESS = Math.log(SCANNER_SUCCEEDS / HONEST_SUCCEEDS)
/** The chance to find a scanner. */
const DETECTED = 0.99
/** What port-scan and host-sweep find by themselves: so much within their window of two minutes. */
const FAST_WINDOW_MS = 120_000
const FAST_REFUSED = 6
const FAST_SILENT = 15
const FEW = 2
const TIMEOUT = END_REASONS.indexOf('timeout')
const SYN_SENT = FLOW_STATES.indexOf('syn-sent')
const OPEN = FLOW_STATES.indexOf('open')
/** Ports that systems choose for themselves (Linux), and those of traceroute: who fails there by UDP looked for nothing. */
const FIRST_OWN_PORT = 32_768
/** Of each address so many failures count for its /64: who fails more often has a row of its own to be told by. */
const MOST_OF_EACH = 2
/**
 * So many addresses of a /64, at least. Three addresses that are told of lead to a block of it: so the first are told
 * soon, each after so many more failures, and further ones ever more rarely.
 */
const SUBNET_ADDRESSES = 5
const SUBNET_MORE = 3
const SUBNET_SOON = 3
const SUBNET_SOON_MS = 500
const SUBNET_LATER_MS = 10_000
const SUBNET_LATEST_MS = 600_000
/** Sources that began within this time and failed at the same things: one scanner, and names that he made up (nmap -D). */
const IN_STEP_MS = 60_000
const SHARED = 0.6
const LEAST_SHARED = 3
const MOST_COMPARED = 128
const MOST_NAMED = 32
const WEB_PORTS: readonly number[] = [80, 443]

const settings = z
  .object({
    falseAlarms: z
      .number()
      .min(1e-9)
      .max(0.01)
      .default(0.00001)
      .describe(
        'The chance that an honest host is taken for a scanner. 0.00001 asks for nine failed first contacts more than came to something',
      ),
    hours: z
      .number()
      .min(0.1)
      .max(72)
      .default(12)
      .describe('A host that failed at nothing for so long begins anew'),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'slow-scan',
  title: 'Slow scan',
  technique: 'T1046',
  settings,
  selfTest: {
    fires(net) {
      for (const port of range(12)) {
        net.refused({ from: ATTACKER, to: SERVER, port, options: 4 })
        net.pass(300_000)
      }
    },
    staysSilent(net) {
      for (const _ of range(200)) {
        net.refused({ from: CLIENT, to: SERVER, port: 5432 })
        net.pass(30_000)
      }
    },
  },
  watch: (chosen: Settings, context) => new SlowScanWatcher(chosen, context),
})

/**
 * Sequential hypothesis testing (Jung, Paxson, Berger, Balakrishnan: Fast Portscan Detection Using Sequential Hypothesis
 * Testing, 2004): each first contact of a host moves a ratio up when it fails and down when it succeeds. A row is one
 * source, or the /64 of those who take another address for each try. Never below zero, so that a host cannot earn credit
 * for a later scan. FIN, NULL and Xmas packets that nobody answers fail too; UDP only where it is refused.
 */
class SlowScanWatcher implements Watcher {
  readonly #context: WatchContext
  readonly #hosts: Hosts
  readonly #flows: Flows
  readonly #settings: Settings
  readonly #alarmAt: number
  readonly #rows: AddressRows
  readonly #made: ContactMemory
  readonly #doors = new ShutDoors()
  readonly #refused = new Sliding(ROWS, FAST_WINDOW_MS)
  readonly #silent = new Sliding(ROWS, FAST_WINDOW_MS)
  /** The number that the table of hosts had for it at its last failure. */
  readonly #numbers = new Int32Array(ROWS)
  readonly #ratio = new Float64Array(ROWS)
  readonly #firstAt = new Float64Array(ROWS)
  /** Of a /64: when it was told last, how often, and which addresses failed, as bits of their hash. */
  readonly #toldAt = new Float64Array(ROWS)
  readonly #timesTold = new Uint32Array(ROWS)
  readonly #members = new Uint32Array(ROWS)
  /** Failed contacts of the row, newest last, and their hashes. */
  readonly #failures = new Uint32Array(ROWS)
  readonly #refusals = new Uint32Array(ROWS)
  readonly #contacts = new Int32Array(ROWS * CONTACTS)
  readonly #ports = new Uint16Array(ROWS * CONTACTS)
  readonly #targets = new Int32Array(ROWS * CONTACTS)

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#hosts = context.hosts
    this.#flows = context.flows
    this.#settings = chosen
    this.#alarmAt = Math.log(DETECTED / chosen.falseAlarms)
    this.#rows = new AddressRows(ROWS, chosen.hours * 3_600_000)
    this.#made = new ContactMemory(chosen.hours * 3_600_000)
  }

  flowAnswered(flow: number, packet: Packet): void {
    const flows = this.#flows
    if (packet.protocol !== PROTOCOL.tcp && packet.protocol !== PROTOCOL.udp) return
    // Told from the packet itself: the table of hosts would have to be fetched.
    const [sender, receiver] = [senderHash(packet), receiverHash(packet)]
    const source = packet.forward === 1 ? sender : receiver
    const contact = contactHash(source, packet.forward === 1 ? receiver : sender, flows.targetPort(flow))
    const row = this.#rows.mayHave(source) ? this.#rows.find(this.#hosts, flows.source(flow)) : -1
    if (row >= 0 && !this.#made.has(contact)) {
      this.#ratio[row] = Math.max(0, (this.#ratio[row] as number) + SUCCESS)
    }
    this.#made.add(contact)
    if (packet.version === 6) this.#succeedTogether(flow)
  }

  #succeedTogether(flow: number): void {
    const [hosts, source] = [this.#hosts, this.#flows.source(flow)]
    const subnet = subnetHash(hosts, source)
    if (!this.#rows.mayHave(subnet)) return
    const contact = this.#contactOf(subnet, flow)
    const row = this.#rows.findSubnet(hosts, source)
    if (row >= 0 && !this.#made.has(contact)) {
      this.#ratio[row] = Math.max(0, (this.#ratio[row] as number) + SUCCESS)
    }
    this.#made.add(contact)
  }

  flowRefused(flow: number, packet: Packet): void {
    if (packet.target !== this.#flows.source(flow) || !isRefusal(packet)) return
    if (this.#isContact(flow)) this.#fail(flow, true, packet.at)
  }

  flowEnded(flow: number, reason: number): void {
    if (reason !== TIMEOUT) return
    const state = this.#flows.state(flow)
    if (state !== SYN_SENT && (state !== OPEN || !isUnlawful(this.#probeOf(flow)))) return
    if (this.#isContact(flow)) this.#fail(flow, false, this.#flows.seenAt(flow))
  }

  tick(now: number): void {
    this.#made.tick(now)
  }

  #isContact(flow: number): boolean {
    const probe = this.#probeOf(flow)
    if (probe === PROBE.syn || isUnlawful(probe)) return true
    const [sourcePort, port] = [this.#flows.sourcePort(flow), this.#flows.targetPort(flow)]
    return probe === PROBE.udp && port < FIRST_OWN_PORT && !looksLikeReply(sourcePort, port)
  }

  #probeOf(flow: number): number {
    const flows = this.#flows
    return probeOf(flows.protocol(flow), flows.firstFlags(flow), flows.sourcePort(flow))
  }

  #contactOf(source: number, flow: number): number {
    const flows = this.#flows
    return contactHash(source, addressHash(this.#hosts, flows.target(flow)), flows.targetPort(flow))
  }

  #fail(flow: number, isRefused: boolean, at: number): void {
    const [hosts, source] = [this.#hosts, this.#flows.source(flow)]
    const contact = this.#contactOf(addressHash(hosts, source), flow)
    if (this.#made.has(contact)) return
    const row = this.#claim(flow, at)
    if (row < 0) return
    if (this.#knows(row, contact)) return
    this.#remember(row, contact, flow)
    const now = Math.max(at, this.#firstAt[row] as number)
    if (isRefused) this.#refused.add(row, now)
    else this.#silent.add(row, now)
    if (isRefused) this.#refusals[row] = (this.#refusals[row] as number) + 1
    if ((this.#failures[row] as number) <= MOST_OF_EACH) this.#failTogether(flow, isRefused, at)
    if (this.#isFast(row, now)) {
      this.#startAnew(row, now)
      return
    }
    this.#ratio[row] = (this.#ratio[row] as number) + FAILURE
    this.#rows.setWeight(row, this.#failures[row] as number)
    if ((this.#ratio[row] as number) >= this.#alarmAt) this.#report(row, flow, now)
  }

  /** Also what is fast: no single address makes enough of it for others to tell. Neighbours of one link are no source. */
  #failTogether(flow: number, isRefused: boolean, at: number): void {
    const [hosts, source, target] = [this.#hosts, this.#flows.source(flow), this.#flows.target(flow)]
    if (!hosts.isIpv6(source) || sharesSubnet(hosts, source, target)) return
    const contact = this.#contactOf(subnetHash(hosts, source), flow)
    if (this.#made.has(contact)) return
    const row = this.#rows.claimSubnet(hosts, source, at)
    if (this.#rows.isFresh) this.#clear(row, at)
    if (this.#knows(row, contact)) return
    this.#remember(row, contact, flow)
    if (isRefused) this.#refusals[row] = (this.#refusals[row] as number) + 1
    this.#members[row] = (this.#members[row] as number) | (1 << (addressHash(hosts, source) & 31))
    this.#ratio[row] = (this.#ratio[row] as number) + FAILURE
    this.#rows.setWeight(row, this.#failures[row] as number)
    const now = Math.max(at, this.#firstAt[row] as number)
    if ((this.#ratio[row] as number) < this.#alarmAt || !this.#mayTellTogether(row, now)) return
    this.#toldAt[row] = now
    this.#timesTold[row] = (this.#timesTold[row] as number) + 1
    this.#report(row, flow, now)
  }

  #claim(flow: number, at: number): number {
    const [rows, hosts, source] = [this.#rows, this.#hosts, this.#flows.source(flow)]
    const [target, port] = [this.#flows.target(flow), this.#flows.targetPort(flow)]
    if (rows.find(hosts, source) < 0 && this.#doors.isCrowded(target, port, at)) return -1
    const row = rows.claim(hosts, source, at)
    if (rows.isFresh) this.#clear(row, at)
    // The table of hosts forgot it meanwhile (a flood does that), and with it those forgot it who tell of fast scans.
    if (this.#numbers[row] !== source) {
      this.#refused.clear(row)
      this.#silent.clear(row)
    }
    this.#numbers[row] = source
    return row
  }

  #mayTellTogether(row: number, now: number): boolean {
    if (bitsOf(this.#members[row] as number) < SUBNET_ADDRESSES) return false
    const later = (this.#timesTold[row] as number) - SUBNET_SOON
    const waitMs = later < 0 ? SUBNET_SOON_MS : Math.min(SUBNET_LATEST_MS, SUBNET_LATER_MS * 2 ** later)
    return now - (this.#toldAt[row] as number) >= waitMs
  }

  #clear(row: number, now: number): void {
    this.#toldAt[row] = 0
    this.#timesTold[row] = 0
    this.#members[row] = 0
    this.#refused.clear(row)
    this.#silent.clear(row)
    this.#startAnew(row, now)
  }

  /** A fast scan is for others to tell. */
  #startAnew(row: number, now: number): void {
    this.#ratio[row] = 0
    this.#firstAt[row] = now
    this.#failures[row] = 0
    this.#refusals[row] = 0
  }

  #isFast(row: number, now: number): boolean {
    return this.#refused.within(row, now) / FAST_REFUSED + this.#silent.within(row, now) / FAST_SILENT >= 1
  }

  #knows(row: number, contact: number): boolean {
    const length = Math.min(CONTACTS, this.#failures[row] as number)
    for (let at = row * CONTACTS; at < row * CONTACTS + length; at++) {
      if (this.#contacts[at] === contact) return true
    }
    return false
  }

  #remember(row: number, contact: number, flow: number): void {
    const count = this.#failures[row] as number
    const at = row * CONTACTS + (count % CONTACTS)
    this.#contacts[at] = contact
    this.#ports[at] = this.#flows.targetPort(flow)
    this.#targets[at] = addressHash(this.#hosts, this.#flows.target(flow))
    this.#failures[row] = count + 1
  }

  /** Rows that failed at the same contacts in step with this one. For reports. */
  #company(row: number): number[] {
    const company: number[] = []
    let compared = 0
    for (let other = 0; other < ROWS && compared < MOST_COMPARED; other++) {
      if (other === row || (this.#failures[other] as number) < LEAST_SHARED) continue
      if (this.#rows.isSubnet(other) !== this.#rows.isSubnet(row)) continue
      if (Math.abs((this.#firstAt[other] as number) - (this.#firstAt[row] as number)) > IN_STEP_MS) continue
      compared++
      if (this.#isInStep(row, other)) company.push(other)
    }
    return company
  }

  #isInStep(row: number, other: number): boolean {
    const [own, theirs] = [this.#contactsOf(row), this.#contactsOf(other)]
    const shorter = Math.min(own.size, theirs.size)
    if (shorter < LEAST_SHARED) return false
    return [...own].filter((contact) => theirs.has(contact)).length >= shorter * SHARED
  }

  /** Target and port as one word: a contact itself counts the source in. */
  #contactsOf(row: number): Set<number> {
    const start = row * CONTACTS
    const length = Math.min(CONTACTS, this.#failures[row] as number)
    const contacts = new Set<number>()
    for (let at = start; at < start + length; at++) {
      contacts.add(Math.imul(this.#targets[at] as number, 0x9e3779b1) ^ (this.#ports[at] as number))
    }
    return contacts
  }

  #report(row: number, flow: number, now: number): void {
    const [start, count] = [row * CONTACTS, this.#failures[row] as number]
    const length = Math.min(CONTACTS, count)
    const ports = [...new Set(this.#ports.subarray(start, start + length))]
    const targets = new Set(this.#targets.subarray(start, start + length)).size
    const subject = this.#rows.address(row)
    const victim = this.#hosts.address(this.#flows.target(flow))
    const firstAt = this.#firstAt[row] as number
    const isVertical = targets <= FEW
    const spanMs = Math.max(1, now - firstAt)
    const isSubnet = this.#rows.isSubnet(row)
    this.#ratio[row] = isSubnet ? this.#alarmAt - SUBNET_MORE * FAILURE : 0
    const company = this.#company(row)
    const finding: ReportedFinding = {
      kind: isVertical ? 'ports' : ports.length <= FEW ? 'hosts' : 'mixed',
      severity: this.#severityOf(row, targets, ports),
      confidence: 0.9,
      at: now,
      subject,
      ...(targets === 1 && { victim }),
      summary: `${subject}${isSubnet ? ', with other addresses of its /64,' : ''} failed at ${count} first contacts in ${duration(spanMs)}: ${ports.length} ports of ${targets} ${targets === 1 ? 'host' : 'hosts'}`,
      key: `slow-scan ${subject}`,
      because: `detectors.slow-scan.falseAlarms = ${this.#settings.falseAlarms}`,
      spoofable: true,
      evidence: {
        ...{ firstAt, lastAt: now, count, ratePerSecond: Math.round((count * 1e6) / spanMs) / 1e3 },
        ...{ ports, samples: [] },
      },
    }
    const names = [row, ...company].slice(0, MOST_NAMED).map((one) => this.#rows.address(one))
    // Which of them it was nothing here tells; another detector may know.
    const isKnown = company.length === 0 || this.#context.borrowed.isLent(subject, now)
    const together = `${names.length} addresses failed at the same first contacts with ${victim} in step: one scanner, and decoys that he made up`
    this.#context.report(isKnown ? finding : blamingNobody(finding, { victim, names, summary: together }))
  }

  /** Peer-to-peer programs fail at many hosts and ports of their choice; hosts without IPv6 at silent web servers. */
  #severityOf(row: number, targets: number, ports: readonly number[]): Severity {
    if (targets <= FEW) return 'high'
    const isRefused = (this.#refusals[row] as number) * 2 >= (this.#failures[row] as number)
    const areServices = ports.length <= FEW && ports.every((port) => port < 1024 && !WEB_PORTS.includes(port))
    return isRefused && areServices ? 'high' : 'medium'
  }
}

function contactHash(source: number, target: number, port: number): number {
  const pair = Math.imul(source, 0x9e3779b1) ^ target
  return Math.imul(pair ^ (pair >>> 15) ^ port, 0x85ebca6b)
}
