import type { SocketBytes } from '#kernel/bpf/byte-counters.ts'
import { cookieNumber, EventView, KIND } from '#kernel/bpf/event.ts'
import type { SocketWatch } from '#kernel/bpf/socket-watch.ts'
import { RecentMap } from '#lib/recent-map.ts'
import { formatIpv4, formatIpv6 } from '#model/address.ts'
import type { PartHealth } from '#model/health.ts'
import type { Owner, SocketKey } from '#model/owner.ts'
import { PROTOCOL } from '#model/packet.ts'
import { programKeyOf } from '#model/summary.ts'
import { keyText } from './owner-cache.ts'
import { CONFIDENCE, type OwnerMaker } from './owner-maker.ts'
import type { FoundSocket, OwnerSource } from './owner-source.ts'
import { Pingers } from './pingers.ts'
import type { KnownProcess, ProcessBook } from './process-book.ts'

const MAX_SOCKETS = 65_536
const MAX_LISTENERS = 8_192
/** Whose accepted connection it is, is known by who listens: a worker of that program may have it. */
const LISTENER_CONFIDENCE = 0.9
const SYSTEMD_PID = 1
const CHECK_LOST_EVERY_MS = 1_000
/** After a loss people are told for so long. */
const LOSS_SHOWS_MS = 60_000
const LOCAL_FIRST_BYTE = 127

export interface EbpfOwnersParts {
  readonly watch: Pick<SocketWatch, 'drain' | 'lost' | 'close'>
  readonly book: ProcessBook
  readonly maker: OwnerMaker
  /** Number of our own network namespace: the flows that we are asked about are of it. */
  readonly netns: number
}

/**
 * Owners by what the kernel said as the socket was opened: exact, and of processes that are long over. Joined by socket
 * cookie, and by the five numbers for sockets that are gone. Sockets of other network namespaces (containers) are
 * known by their five numbers too: their packets are forwarded here.
 */
export class EbpfOwners implements OwnerSource {
  readonly name = 'ebpf'
  readonly #parts: EbpfOwnersParts
  readonly #event = new EventView()
  readonly #byCookie = new RecentMap<number, KnownProcess>(MAX_SOCKETS)
  readonly #byKey = new RecentMap<string, KnownProcess>(MAX_SOCKETS)
  readonly #foreign = new RecentMap<string, KnownProcess>(MAX_SOCKETS)
  /** By local port, and by that and the peer: two sockets may share a port one after the other. */
  readonly #udpPorts = new RecentMap<string, KnownProcess>(MAX_SOCKETS)
  readonly #listeners = new RecentMap<string, KnownProcess>(MAX_LISTENERS)
  /** By port alone; `several`: programs that listen at one port of different addresses. */
  readonly #portListeners = new RecentMap<number, KnownProcess | 'several'>(MAX_LISTENERS)
  readonly #pingers = new Pingers()
  #now = 0
  #lost = 0
  #checkedLostAt = 0
  #lostAt = Number.NEGATIVE_INFINITY

  constructor(parts: EbpfOwnersParts) {
    this.#parts = parts
  }

  catchUp(now: number): void {
    this.drain(now)
  }

  /** Takes in what the kernel told; answers how many events. */
  drain(now: number): number {
    this.#now = now
    const events = this.#parts.watch.drain(this.#take)
    if (now - this.#checkedLostAt >= CHECK_LOST_EVERY_MS) this.#checkLost(now)
    return events
  }

  /** A socket that outlives the process that opened it is held by another: /proc knows by which. */
  known(socket: FoundSocket, now: number): Owner | undefined {
    const process = this.#byCookie.get(cookieNumber(socket.cookie))
    return process && !process.hasEnded ? this.#ownerOf(process, now) : undefined
  }

  /** The program of a socket that may be gone; of one that came in, who listened at its port. */
  programOf(cookie: bigint, { netns, localPort, protocol }: SocketBytes): string | undefined {
    const opener = this.#byCookie.get(cookieNumber(cookie))
    if (opener) return this.#pathOf(opener)
    if (netns !== this.#parts.netns || protocol !== PROTOCOL.tcp) return undefined
    const listener = this.#portListeners.get(localPort)
    if (!listener || listener === 'several' || listener.details.pid === SYSTEMD_PID) return undefined
    return this.#pathOf(listener)
  }

  learn(_sockets: readonly FoundSocket[], now: number): void {
    this.drain(now)
  }

  remembered(key: SocketKey, now: number): Owner | undefined {
    if (key.protocol !== PROTOCOL.tcp && key.protocol !== PROTOCOL.udp) return this.#pinger(key, now)
    const text = keyText(key)
    const process = this.#byKey.get(text) ?? this.#foreign.get(text)
    return process && this.#ownerOf(process, now)
  }

  likely(key: SocketKey, now: number): Owner | undefined {
    const process = key.protocol === PROTOCOL.udp ? this.#udpSender(key) : this.#listenerAt(key)
    return process && { ...this.#ownerOf(process, now), confidence: LISTENER_CONFIDENCE }
  }

  health(): PartHealth {
    if (this.#now - this.#lostAt > LOSS_SHOWS_MS) {
      return { part: 'owners', state: 'ok', note: 'programs are seen by eBPF as they open sockets' }
    }
    return {
      part: 'owners',
      state: 'degraded',
      reason: `${this.#lost} events about new connections were lost in a rush: some programs are found later, by /proc`,
      remedy: 'none needed if it does not last: the machine opens more sockets than can be read',
    }
  }

  close(): void {
    this.#parts.watch.close()
  }

  /** Once: an arrow made anew for each drain would be garbage 200 times a second. */
  readonly #take = (view: DataView, start: number, length: number): void => {
    const event = this.#event
    if (!event.moveTo(view, start, length)) return
    const { kind } = event
    if (kind === KIND.exec) this.#parts.book.executed(event, this.#now)
    else if (kind === KIND.exit) this.#parts.book.ended(event)
    else if (kind === KIND.state || kind === KIND.release) this.#connected(event)
    else this.#opened(event)
  }

  /** connect, first sendto, listen: the process is the one that runs. */
  #opened(event: EventView): void {
    const process = this.#parts.book.processOf(event, this.#now)
    const { kind, cookie } = event
    if (cookie !== 0) this.#byCookie.set(cookie, process)
    if (event.netns !== this.#parts.netns) return
    if (kind === KIND.raw) this.#pingers.opened(process, event.protocol, this.#now)
    if (kind === KIND.connect && this.#pingers.has(process))
      this.#pingers.connected(process, peerAddress(event))
    if (kind === KIND.listen) this.#listens(event, process)
    if (kind !== KIND.send || event.protocol !== PROTOCOL.udp) return
    this.#udpPorts.set(`${event.localPort}`, process)
    this.#udpPorts.set(`${event.localPort} ${peerAddress(event)} ${event.peerPort}`, process)
  }

  #listens(event: EventView, process: KnownProcess): void {
    this.#listeners.set(localEnd(event), process)
    const before = this.#portListeners.get(event.localPort)
    if (before === 'several') return
    const isAlone = before === undefined || before.hasEnded || this.#pathOf(before) === this.#pathOf(process)
    this.#portListeners.set(event.localPort, isAlone ? process : 'several')
  }

  /** All five numbers of a socket that `#opened` told of; of its process only the cookie speaks. */
  #connected(event: EventView): void {
    const process = this.#byCookie.get(event.cookie)
    if (!process) return
    const text = fiveNumbers(event)
    if (event.netns === this.#parts.netns) this.#byKey.set(text, process)
    else if (!isLoopback(event)) this.#foreign.set(text, process)
  }

  #pinger(key: SocketKey, now: number): Owner | undefined {
    const found = this.#pingers.find(key, now)
    if (!found) return undefined
    const owner = this.#ownerOf(found.process, now)
    return found.isGuess ? { ...owner, source: 'guess', confidence: CONFIDENCE.guess } : owner
  }

  #pathOf(process: KnownProcess): string {
    return programKeyOf(this.#ownerOf(process, this.#now))
  }

  #ownerOf(process: KnownProcess, now: number): Owner {
    return this.#parts.maker.ownerOf(process.details, now)
  }

  #udpSender({ localPort, peerAddress, peerPort }: SocketKey): KnownProcess | undefined {
    return this.#udpPorts.get(`${localPort} ${peerAddress} ${peerPort}`) ?? this.#udpPorts.get(`${localPort}`)
  }

  /** systemd opens sockets for others: who takes the connections is not known by it. */
  #listenerAt(key: SocketKey): KnownProcess | undefined {
    const any = key.localAddress.includes(':')
      ? [`:: ${key.localPort}`]
      : [`0.0.0.0 ${key.localPort}`, `:: ${key.localPort}`]
    for (const end of [`${key.localAddress} ${key.localPort}`, ...any]) {
      const process = this.#listeners.get(end)
      if (process && !process.hasEnded && process.details.pid !== SYSTEMD_PID) return process
    }
    return undefined
  }

  /** What was lost may have been a socket on numbers that we hold for an older one. */
  #checkLost(now: number): void {
    this.#checkedLostAt = now
    const { lost } = this.#parts.watch
    if (lost === this.#lost) return
    this.#lost = lost
    this.#lostAt = now
    for (const map of [this.#byKey, this.#foreign, this.#udpPorts, this.#listeners]) map.clear()
    this.#portListeners.clear()
  }
}

function fiveNumbers(event: EventView): string {
  return keyText({
    protocol: event.protocol,
    localAddress: localAddress(event),
    localPort: event.localPort,
    peerAddress: peerAddress(event),
    peerPort: event.peerPort,
  })
}

const localAddress = (event: EventView): string =>
  event.version === 4
    ? formatIpv4(event.localWord(0))
    : formatIpv6(event.localWord(0), event.localWord(1), event.localWord(2), event.localWord(3))

const peerAddress = (event: EventView): string =>
  event.version === 4
    ? formatIpv4(event.peerWord(0))
    : formatIpv6(event.peerWord(0), event.peerWord(1), event.peerWord(2), event.peerWord(3))

const localEnd = (event: EventView): string => `${localAddress(event)} ${event.localPort}`

function isLoopback(event: EventView): boolean {
  if (event.version === 4) return event.localWord(0) >>> 24 === LOCAL_FIRST_BYTE
  return event.localWord(0) === 0 && event.localWord(1) === 0 && event.localWord(2) === 0
}
