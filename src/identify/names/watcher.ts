/** Hot: runs per packet. Allocates nothing but for a name that it found. */
import { formatIpv4, formatIpv6, type Ip } from '#model/address.ts'
import type { Flows, NameSource } from '#model/flow.ts'
import type { FlowNote } from '#model/flow-note.ts'
import type { NameReport } from '#model/name.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { decodeDnsAnswer, decodeMulticastDns, isAnswer, messageId, type NamedAddress } from './decode-dns.ts'
import { looksLikeHttp, readHost, readUrl } from './decode-http.ts'
import { decodeInitial, looksLikeQuic } from './decode-quic.ts'
import { joinRecords, looksLikeTls, readServerName } from './decode-tls.ts'
import { fingerprintsOf, isWholeHello } from './fingerprints.ts'
import { Hellos } from './hellos.ts'
import type { Reading } from './reading.ts'
import { STREAM_BYTES, Streams } from './streams.ts'

const DNS = 53
const MULTICAST_DNS = 5353
const HTTPS = 443
/** Kinds of streams. */
const TLS = 1
const HTTP = 2
const DNS_STREAM = 3
/**
 * What is known of a flow: nothing yet, all that there is to know, or else, of TCP, the number of its stream plus one;
 * of QUIC what is below -1: its ClientHello in the making.
 */
const FRESH = 0
const DONE = -1
/** In a second: messages that are read, and names that are told. */
const MAX_READ = 10_000
const MAX_TOLD = 2_000
/**
 * Opening a QUIC packet takes 0.1 ms and more: one every 5 ms, and at most 20 at once, so that a burst of them keeps
 * the thread from other packets for a few milliseconds only.
 */
const OPEN_EVERY_MS = 5
const OPEN_AT_ONCE_MS = 19 * OPEN_EVERY_MS
/** Names, and notes, that wait to be taken. */
const MAX_WAITING = 4_000
/** In a second: handshakes whose fingerprint is taken, of which each costs three hashes. */
const MAX_NOTED = 1_000
/** Questions that wait for their answer; a newer one may take the place of an older. */
const QUESTIONS = 16_384

export interface NameCounts {
  /** Names that were found and told. */
  readonly told: number
  /** Names, and messages that might have held some, that were too many for one second. */
  readonly untold: number
  /** Answers to questions that nobody asked: not believed. */
  readonly unasked: number
}

/** Finds the names of addresses in DNS answers, TLS handshakes and HTTP requests, and how clients speak TLS. */
export interface NameWatch {
  /** Must be among the engine's watchers. */
  readonly watcher: Watcher
  readonly counts: NameCounts
  /** What was found since the last call, oldest first. */
  take(): readonly NameReport[]
  /** What else flows said of themselves since the last call. */
  takeNotes(): readonly FlowNote[]
}

/** @param onWaiting told when a name of DNS waits to be taken: rules go by it, and whoever asked is about to connect */
export const createNameWatch = (flows: Flows, onWaiting?: () => void): NameWatch =>
  new PacketNames(flows, onWaiting)

class PacketNames implements NameWatch {
  readonly watcher: Watcher
  readonly #flows: Flows
  readonly #onWaiting: (() => void) | undefined
  readonly #streams = new Streams()
  readonly #known: Int16Array
  /** 1 for a flow whose name was told, and of which more is to come. */
  readonly #named: Uint8Array
  /** Flow and message id of a question, by their hash. */
  readonly #questions = new Float64Array(QUESTIONS).fill(-1)
  /** A stream's bytes, while they are read. */
  readonly #scratch = new Uint8Array(STREAM_BYTES)
  readonly #scratchView = new DataView(this.#scratch.buffer)
  #waiting: NameReport[] = []
  #notes: FlowNote[] = []
  #notedThisSecond = 0
  /** QUIC flows: their number in #known is below zero, -2 for the first. */
  readonly #hellos = new Hellos()
  #readThisSecond = 0
  /** When the next QUIC packet may be opened; what was not used before counts as up to 20. */
  #mayOpenFrom = Number.NEGATIVE_INFINITY
  #toldThisSecond = 0
  #told = 0
  #untold = 0
  #unasked = 0

  constructor(flows: Flows, onWaiting: (() => void) | undefined) {
    this.#flows = flows
    this.#onWaiting = onWaiting
    this.#known = new Int16Array(flows.capacity)
    this.#named = new Uint8Array(flows.capacity)
    this.watcher = {
      packet: (packet) => this.#packet(packet),
      flowOpened: (flow) => this.#forget(flow),
      flowEnded: (flow) => this.#forget(flow),
      tick: () => {
        this.#readThisSecond = 0
        this.#notedThisSecond = 0
        this.#toldThisSecond = 0
      },
    }
  }

  get counts(): NameCounts {
    return { told: this.#told, untold: this.#untold, unasked: this.#unasked }
  }

  take(): readonly NameReport[] {
    const taken = this.#waiting
    if (taken.length > 0) this.#waiting = []
    return taken
  }

  takeNotes(): readonly FlowNote[] {
    const taken = this.#notes
    if (taken.length > 0) this.#notes = []
    return taken
  }

  #packet(packet: Packet): void {
    if (packet.payloadStart >= packet.payloadEnd) return
    if (packet.protocol === PROTOCOL.tcp) {
      if (packet.flow >= 0 && this.#known[packet.flow] !== DONE) this.#segment(packet)
    } else if (packet.protocol === PROTOCOL.udp) {
      this.#datagram(packet)
    }
  }

  #datagram(packet: Packet): void {
    const { sourcePort, targetPort, flow } = packet
    if (sourcePort === DNS || targetPort === DNS) this.#question(packet)
    else if (sourcePort === MULTICAST_DNS) this.#multicast(packet)
    else if (targetPort === HTTPS && flow >= 0 && this.#known[flow] !== DONE) this.#quic(packet)
  }

  #forget(flow: number): void {
    if (flow < 0) return
    const known = this.#known[flow] as number
    if (known > FRESH) this.#streams.close(known - 1)
    if (known < DONE) this.#hellos.close(DONE - 1 - known)
    this.#known[flow] = FRESH
    this.#named[flow] = 0
  }

  /** Only an answer to a question that crossed this machine is believed, and only the first one. */
  #question(packet: Packet): void {
    const { view, payloadStart, payloadEnd, flow } = packet
    const id = messageId(view, payloadStart, payloadEnd)
    if (id < 0 || flow < 0) return
    const question = flow * 65_536 + id
    const slot = (Math.imul(flow, 0x9e3779b1) + id) & (QUESTIONS - 1)
    if (!isAnswer(view, payloadStart, payloadEnd)) {
      if (packet.forward === 1 && packet.targetPort === DNS) this.#questions[slot] = question
      return
    }
    if (packet.forward === 1 || packet.sourcePort !== DNS) return
    if (this.#questions[slot] !== question) {
      this.#unasked++
      return
    }
    this.#questions[slot] = -1
    if (this.#mayRead()) this.#tellAll(packet, 'dns', decodeDnsAnswer(view, payloadStart, payloadEnd))
  }

  #multicast(packet: Packet): void {
    const { view, payloadStart, payloadEnd, ttl } = packet
    // RFC 6762 §11: what crossed a router has less, and nobody off the link may name hosts on it.
    if (ttl !== 255) return
    if (!isAnswer(view, payloadStart, payloadEnd) || !this.#mayRead()) return
    this.#tellAll(packet, 'mdns', decodeMulticastDns(view, payloadStart, payloadEnd))
  }

  /** A stream to port 53 speaks on its way back, any other names its server in its first bytes. */
  #segment(packet: Packet): void {
    const isDns = packet.forward === 1 ? packet.targetPort === DNS : packet.sourcePort === DNS
    if (isDns ? packet.forward === 1 : packet.forward === 0) return
    const known = this.#known[packet.flow] as number
    if (known > FRESH) this.#goOn(packet, known - 1)
    else if (isDns) this.#open(packet, DNS_STREAM)
    else this.#begin(packet)
  }

  #begin(packet: Packet): void {
    const { view, payloadStart, payloadEnd } = packet
    const kind = kindOf(view, payloadStart, payloadEnd)
    if (kind === 0 || !this.#mayRead()) {
      this.#known[packet.flow] = DONE
      return
    }
    const reading = read(kind, view, payloadStart, payloadEnd)
    if (reading.state === 'found') this.#tellOwn(packet, kind, reading.name)
    const isOver =
      kind === TLS ? this.#fingerprint(packet, view, payloadStart, payloadEnd) : reading.state !== 'more'
    if (!isOver && reading.state !== 'none' && !isCut(packet)) this.#open(packet, kind)
    else this.#known[packet.flow] = DONE
    if (kind === HTTP) this.#noteUrl(packet, reading, { view, start: payloadStart, end: payloadEnd })
  }

  #open(packet: Packet, kind: number): void {
    const displaced = this.#streams.displaced
    if (displaced >= 0) this.#known[displaced] = DONE
    const stream = this.#streams.open(packet.flow, kind, packet.tcpSequence)
    this.#known[packet.flow] = stream + 1
    this.#goOn(packet, stream)
  }

  #goOn(packet: Packet, stream: number): void {
    const { view, payloadStart, payloadEnd } = packet
    const fits = this.#streams.add(stream, packet.tcpSequence, view, payloadStart, payloadEnd)
    const kind = this.#streams.kind(stream)
    const isLast = !fits || isCut(packet) || !this.#mayRead()
    const isOver = kind === DNS_STREAM ? this.#readMessages(packet, stream) : this.#readStream(packet, stream)
    if (!isOver && !isLast) return
    this.#streams.close(stream)
    this.#known[packet.flow] = DONE
  }

  #quic(packet: Packet): void {
    const { view, payloadStart, payloadEnd, flow } = packet
    const known = this.#known[flow] as number
    if (packet.forward === 0) return
    if (!looksLikeQuic(view, payloadStart, payloadEnd) || !this.#mayOpen(packet.at)) {
      if (known === FRESH) this.#known[flow] = DONE
      return
    }
    const hello = known === FRESH ? this.#openHello(flow) : DONE - 1 - known
    let fits = true
    for (const { offset, bytes } of decodeInitial(view, payloadStart, payloadEnd)) {
      fits = this.#hellos.add(hello, offset, bytes) && fits
    }
    const [start, end] = [this.#hellos.start(hello), this.#hellos.end(hello)]
    const reading = readServerName(this.#hellos.view, start, end)
    if (reading.state === 'found') this.#tellOwn(packet, TLS, reading.name)
    const isOver = this.#fingerprint(packet, this.#hellos.view, start, end)
    if (!isOver && reading.state !== 'none' && fits) return
    this.#hellos.close(hello)
    this.#known[flow] = DONE
  }

  #openHello(flow: number): number {
    const displaced = this.#hellos.displaced
    if (displaced >= 0) this.#known[displaced] = DONE
    const hello = this.#hellos.open(flow)
    this.#known[flow] = DONE - 1 - hello
    return hello
  }

  #mayOpen(at: number): boolean {
    const from = Math.max(this.#mayOpenFrom, at - OPEN_AT_ONCE_MS)
    // A clock that was set back must not stop it.
    if (from > at && from - at < OPEN_AT_ONCE_MS) {
      this.#untold++
      return false
    }
    this.#mayOpenFrom = Math.min(from, at) + OPEN_EVERY_MS
    return true
  }

  /** True when there is no more to know. */
  #readStream(packet: Packet, stream: number): boolean {
    const kind = this.#streams.kind(stream)
    const length = this.#streams.copy(stream, this.#scratch)
    if (length === 0) return false
    const view = this.#scratchView
    const end = kind === TLS ? joinRecords(this.#scratch, length) : length
    const reading = read(kind, view, 0, end)
    if (reading.state === 'found') this.#tellOwn(packet, kind, reading.name)
    if (kind === TLS) return this.#fingerprint(packet, view, 0, end) || reading.state === 'none'
    this.#noteUrl(packet, reading, { view, start: 0, end })
    return reading.state !== 'more'
  }

  /** Messages with their length in front (RFC 1035 §4.2.2), one after the other until the flow ends. */
  #readMessages(packet: Packet, stream: number): boolean {
    const streams = this.#streams
    while (streams.length(stream) >= 2) {
      const length = (streams.byte(stream, 0) << 8) | streams.byte(stream, 1)
      if (length + 2 > STREAM_BYTES) return true
      if (streams.length(stream) < length + 2) break
      streams.copy(stream, this.#scratch)
      this.#tellAll(packet, 'dns', decodeDnsAnswer(this.#scratchView, 2, length + 2))
      streams.drop(stream, length + 2)
    }
    return false
  }

  /** The flow itself says whom it is to; once. */
  #tellOwn(packet: Packet, kind: number, name: string): void {
    if (this.#named[packet.flow] === 1) return
    this.#named[packet.flow] = 1
    this.#tell({
      address: targetOf(packet),
      name,
      source: kind === TLS ? 'tls' : 'http',
      at: packet.at,
      client: sourceOf(packet),
      flow: this.#flows.number(packet.flow),
    })
  }

  /** False while bytes of the ClientHello are missing. Four parameters: a span without an object around it. */
  #fingerprint(packet: Packet, view: DataView, start: number, end: number): boolean {
    if (!isWholeHello(view, start, end)) return false
    if (!this.#mayNote()) return true
    const found = fingerprintsOf(view, start, packet.protocol === PROTOCOL.tcp ? 't' : 'q')
    if (found) this.#notes.push({ flow: this.#flows.number(packet.flow), ...found })
    return true
  }

  /** Whoever asks an address by its number says no name. */
  #noteUrl(
    packet: Packet,
    reading: Reading,
    { view, start, end }: { readonly view: DataView; readonly start: number; readonly end: number },
  ): void {
    if (reading.state === 'more') return
    const host = reading.state === 'found' ? reading.name : urlHost(targetOf(packet))
    const url = readUrl(view, start, { end, host, port: packet.targetPort })
    if (url !== undefined && this.#mayNote()) this.#notes.push({ flow: this.#flows.number(packet.flow), url })
  }

  #mayNote(): boolean {
    if (this.#notedThisSecond >= MAX_NOTED || this.#notes.length >= MAX_WAITING) return false
    this.#notedThisSecond++
    return true
  }

  #tellAll(packet: Packet, source: NameSource, found: readonly NamedAddress[]): void {
    // Whoever answers multicast DNS asks nothing: it speaks for itself.
    const client = source === 'mdns' ? sourceOf(packet) : targetOf(packet)
    const flow = packet.flow < 0 ? undefined : this.#flows.number(packet.flow)
    for (const { address, name, ttlSeconds } of found) {
      this.#tell({
        address,
        name,
        source,
        at: packet.at,
        ttlSeconds,
        client,
        ...(flow !== undefined && { flow }),
      })
    }
  }

  #tell(report: NameReport): void {
    if (this.#toldThisSecond >= MAX_TOLD || this.#waiting.length >= MAX_WAITING) {
      this.#untold++
      return
    }
    this.#toldThisSecond++
    this.#told++
    this.#waiting.push(report)
    if (report.source === 'dns') this.#onWaiting?.()
  }

  #mayRead(): boolean {
    if (this.#readThisSecond < MAX_READ) {
      this.#readThisSecond++
      return true
    }
    this.#untold++
    return false
  }
}

/** What a stream speaks, by its first bytes; 0 for what we cannot read. */
function kindOf(view: DataView, start: number, end: number): number {
  if (looksLikeTls(view, start, end)) return TLS
  return looksLikeHttp(view, start, end) ? HTTP : 0
}

const read = (kind: number, view: DataView, start: number, end: number): Reading =>
  kind === TLS ? readServerName(view, start, end) : readHost(view, start, end)

/** The capture kept less than was sent: what follows cannot be joined to it. */
const isCut = (packet: Packet): boolean => packet.payloadEnd - packet.payloadStart < packet.payloadLength

const urlHost = (address: Ip): string => (address.includes(':') ? `[${address}]` : address)

const sourceOf = (packet: Packet): Ip =>
  packet.version === 4
    ? formatIpv4(packet.source0)
    : formatIpv6(packet.source0, packet.source1, packet.source2, packet.source3)

const targetOf = (packet: Packet): Ip =>
  packet.version === 4
    ? formatIpv4(packet.target0)
    : formatIpv6(packet.target0, packet.target1, packet.target2, packet.target3)
