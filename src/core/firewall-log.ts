import type { RuleLogPort } from '#api/rule-log-port.ts'
import type { RuleLog } from '#contract/rule-log.ts'
import { KernelError } from '#kernel/libc.ts'
import type { LoggedPacket, LogHook } from '#kernel/nflog.ts'
import type { PartHealth } from '#model/health.ts'
import type { Owner, SocketKey } from '#model/owner.ts'
import { PROTOCOL } from '#model/packet.ts'
import type { ByBlock, ByRule, PacketSummary, RuledPacket } from '#model/ruled-packet.ts'
import { firewallLine } from '#report/firewall-line.ts'
import { packetSummary } from './packet-summary.ts'

/** So long a packet waits for its program to be found. */
const OWNER_WITHIN_MS = 400
const LOOK_EVERY_MS = 100
const MAX_WAITING = 4_096
const KEPT = 1_000

export interface FirewallLogParts {
  /** What the kernel's prefix of a packet means; undefined: nothing that is known. */
  readonly because: (prefix: string, hook: LogHook, packet: PacketSummary) => ByRule | ByBlock | undefined
  /** Starts to hear the packets. Throws KernelError. */
  readonly open: (hear: { onPacket(packet: LoggedPacket): void; onLost(): void }) => { close(): void }
  /** Packets beyond the kernel's bound since a table was put in place, of each; undefined while there is none. */
  readonly unwritten: readonly (() => number | undefined)[]
  readonly packetsPerSecond: number
  readonly linkName: (index: number) => string | undefined
  readonly userName: (uid: number) => string | undefined
  /** Whoever keeps them: firewall.log, eve.json. */
  readonly write: (packet: RuledPacket, line: string) => void
  /** That so many packets were not written, at most once a second. */
  readonly writeUnwritten: (packets: number, at: number) => void
  readonly file: string | undefined
  readonly now: () => number
}

/** Who can say which program a packet belongs to. */
export interface PacketOwners {
  ownerOf(key: SocketKey): Owner | undefined
  request(keys: readonly SocketKey[]): void
}

interface Waiting {
  readonly packet: RuledPacket
  readonly key: SocketKey
  readonly until: number
}

/** Turns what the kernel hands over about turned-away packets into lines and events, within a bound. */
export class FirewallLog implements RuleLogPort {
  readonly #parts: FirewallLogParts
  #owners: PacketOwners | undefined
  #source: { close(): void } | undefined
  #trouble: { readonly reason: string; readonly remedy: string } | undefined
  #timers: NodeJS.Timeout[] = []
  #waiting: Waiting[] = []
  #latest: (RuledPacket & { readonly text: string })[] = []
  #lastId = 0
  /** In this second. */
  #heard = 0
  #unsaid = 0
  #unwritten = 0
  #countsBefore: readonly number[] = []

  constructor(parts: FirewallLogParts) {
    this.#parts = parts
  }

  start(): void {
    try {
      this.#source = this.#parts.open({
        onPacket: (packet) => this.hear(packet),
        onLost: () => void this.#unsaid++,
      })
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
      this.#trouble = troubleOf(error)
      return
    }
    this.#timers = [
      setInterval(() => this.#settle(this.#parts.now()), LOOK_EVERY_MS).unref(),
      setInterval(() => this.count(), 1_000).unref(),
    ]
  }

  /** From where programs are known: that part starts later than the rules. */
  set owners(owners: PacketOwners) {
    this.#owners = owners
  }

  /** One packet as the kernel handed it over. */
  hear(logged: LoggedPacket): void {
    const packet = this.#read(logged)
    // The kernel keeps the bound; this is for one whose limit was changed by hand.
    if (!packet || ++this.#heard > this.#parts.packetsPerSecond * 4) {
      this.#unsaid++
      return
    }
    const key = this.#owners && keyOf(packet)
    const owner = key && this.#owners?.ownerOf(key)
    if (!key || owner || this.#waiting.length >= MAX_WAITING) {
      this.#finish(packet, owner)
      return
    }
    this.#owners?.request([key])
    this.#waiting.push({ packet, key, until: this.#parts.now() + OWNER_WITHIN_MS })
  }

  /** Once a second: says how many packets were beyond the bound. */
  count(): void {
    this.#heard = 0
    const { unwritten, writeUnwritten, now } = this.#parts
    const counts = unwritten.map((read) => read() ?? 0)
    const fresh = counts.reduce((sum, count, at) => sum + risen(count, this.#countsBefore[at]), this.#unsaid)
    this.#countsBefore = counts
    this.#unsaid = 0
    if (fresh === 0) return
    this.#unwritten += fresh
    writeUnwritten(fresh, now())
  }

  latest(limit: number, after: number): RuleLog {
    const { file } = this.#parts
    const packets = this.#latest.filter(({ id }) => id > after).slice(-limit)
    return { packets, unwritten: this.#unwritten, ...(file !== undefined && { file }) }
  }

  get health(): PartHealth {
    const part = 'firewall log'
    if (this.#trouble) return { part, state: 'degraded', ...this.#trouble }
    const rest = this.#unwritten === 0 ? '' : `; ${this.#unwritten} more were only counted`
    return { part, state: 'ok', note: `${this.#lastId} packets written since the start${rest}` }
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#source?.close()
    this.#source = undefined
    this.#settle(Number.POSITIVE_INFINITY)
    if (this.#timers.length > 0) this.count()
    this.#timers = []
  }

  #read(logged: LoggedPacket): RuledPacket | undefined {
    const summary = packetSummary(logged.bytes)
    const because = summary && this.#parts.because(logged.prefix, logged.hook, summary)
    if (!summary || !because) return undefined
    const { fromLink, toLink, uid } = logged
    const from = fromLink === undefined ? undefined : this.#parts.linkName(fromLink)
    const to = toLink === undefined ? undefined : this.#parts.linkName(toLink)
    const user = uid === undefined ? undefined : this.#parts.userName(uid)
    return {
      id: ++this.#lastId,
      at: logged.at ?? this.#parts.now(),
      direction: logged.hook,
      ...because,
      ...summary,
      ...(from !== undefined && { fromInterface: from }),
      ...(to !== undefined && { toInterface: to }),
      ...(uid !== undefined && { uid }),
      ...(user !== undefined && { user }),
    }
  }

  #settle(now: number): void {
    const still: Waiting[] = []
    for (const waiting of this.#waiting) {
      const owner = this.#owners?.ownerOf(waiting.key)
      if (owner || waiting.until <= now) this.#finish(waiting.packet, owner)
      else still.push(waiting)
    }
    this.#waiting = still
  }

  #finish(packet: RuledPacket, owner?: Owner): void {
    const known = owner && owner.pid !== 0 ? { program: owner.path, pid: owner.pid } : {}
    const owned: RuledPacket = { ...packet, ...known }
    const text = firewallLine(owned)
    this.#latest.push({ ...owned, text })
    if (this.#latest.length > KEPT * 2) this.#latest = this.#latest.slice(-KEPT)
    this.#parts.write(owned, text)
  }
}

/** A table that was put in place anew counts from zero. */
const risen = (count: number, before = 0): number => (count >= before ? count - before : count)

/** The socket on this machine that the packet belongs to, or was for. */
function keyOf(packet: RuledPacket): SocketKey | undefined {
  const { direction, protocol, source, target, sourcePort, targetPort } = packet
  if (direction !== 'outbound' || sourcePort === undefined || targetPort === undefined) return undefined
  if (protocol !== PROTOCOL.tcp && protocol !== PROTOCOL.udp) return undefined
  return { protocol, localAddress: source, localPort: sourcePort, peerAddress: target, peerPort: targetPort }
}

function troubleOf({ code, message }: KernelError): { readonly reason: string; readonly remedy: string } {
  // Who may change the packet filter may hear its packets too: so it is not our privilege that is missing.
  if (code === 'EBUSY' || code === 'EPERM') {
    return {
      reason: 'another program listens to the NFLOG group of Gatehouse: nothing is written about packets',
      remedy: 'Set report.nflogGroup to a number that nobody uses',
    }
  }
  return {
    reason: `the kernel does not hand packets over (${message}): nothing is written about them`,
    remedy: 'Load nfnetlink_log: sudo modprobe nfnetlink_log, then restart Gatehouse',
  }
}
