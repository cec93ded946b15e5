/** Hot: runs per packet while something is recorded. */
import { readWords } from '#lib/address-words.ts'
import type { Packet } from '#model/packet.ts'
import type { RecordedPackets, RecordingOrder } from '#model/recording.ts'
import type { Watcher } from '#model/watcher.ts'

/** The file is told to end after this long, however few packets came. */
const LONGEST_MS = 60_000
const MOST_AT_ONCE = 4
const MOST_BYTES = 8 << 20
/** Of each packet. */
const SNAP_BYTES = 1_600
/** Raw IP: what is kept begins with the IP header (LINKTYPE_RAW). */
const LINK_TYPE_RAW = 101
const BLOCK = { section: 0x0a0d0d0a, interface: 1, packet: 6 } as const
const BYTE_ORDER = 0x1a2b3c4d

interface Recording {
  readonly order: RecordingOrder
  readonly words: Int32Array
  readonly until: number
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly view: DataView
  length: number
  packets: number
}

/** Keeps the next packets of chosen addresses as pcapng (the IETF's draft-ietf-opsawg-pcapng), in bounded memory. */
export class Recorder implements Watcher {
  readonly #recordings: Recording[] = []
  readonly #done: (recorded: RecordedPackets) => void

  constructor(done: (recorded: RecordedPackets) => void) {
    this.#done = done
  }

  /** False when enough is recorded already. */
  begin(order: RecordingOrder, now: number): boolean {
    if (this.#recordings.length >= MOST_AT_ONCE) return false
    const words = new Uint32Array(4)
    readWords(order.address, words)
    const bytes = new Uint8Array(Math.min(MOST_BYTES, 128 + order.packets * (SNAP_BYTES + 36)))
    const recording: Recording = {
      ...{ order, words: new Int32Array(words.buffer), until: now + LONGEST_MS },
      ...{ bytes, view: new DataView(bytes.buffer), length: 0, packets: 0 },
    }
    writeHeader(recording)
    this.#recordings.push(recording)
    return true
  }

  packet(packet: Packet): void {
    for (let at = 0; at < this.#recordings.length; at++) {
      const recording = this.#recordings[at] as Recording
      if (isAbout(recording.words, packet)) this.#keep(recording, packet)
    }
  }

  tick(now: number): void {
    for (const recording of [...this.#recordings]) if (now >= recording.until) this.#end(recording)
  }

  /** Ends all. */
  close(): void {
    for (const recording of [...this.#recordings]) this.#end(recording)
  }

  #keep(recording: Recording, packet: Packet): void {
    const length = Math.min(SNAP_BYTES, packet.payloadEnd - packet.networkStart)
    if (packet.reassembled === 1 || length <= 0) return
    const { bytes, view } = recording
    const padded = (length + 3) & ~3
    if (recording.length + padded + 32 > bytes.length) {
      this.#end(recording)
      return
    }
    const at = recording.length
    const microseconds = BigInt(Math.round(packet.at * 1000))
    writeWords(view, at, [BLOCK.packet, padded + 32, 0])
    view.setUint32(at + 12, Number(microseconds >> 32n), true)
    view.setUint32(at + 16, Number(microseconds & 0xffff_ffffn), true)
    writeWords(view, at + 20, [length, Math.max(length, packet.length)])
    for (let byte = 0; byte < length; byte++)
      bytes[at + 28 + byte] = packet.view.getUint8(packet.networkStart + byte)
    view.setUint32(at + 28 + padded, padded + 32, true)
    recording.length += padded + 32
    recording.packets++
    if (recording.packets >= recording.order.packets) this.#end(recording)
  }

  #end(recording: Recording): void {
    const at = this.#recordings.indexOf(recording)
    if (at >= 0) this.#recordings.splice(at, 1)
    const { order, bytes, length, packets } = recording
    this.#done({ id: order.id, packets, bytes: bytes.slice(0, length) })
  }
}

function writeHeader(recording: Recording): void {
  const { view } = recording
  // Section: version 1.0, of unknown length; one interface.
  writeWords(view, 0, [BLOCK.section, 28, BYTE_ORDER, 1, 0xffff_ffff, 0xffff_ffff, 28])
  writeWords(view, 28, [BLOCK.interface, 20, LINK_TYPE_RAW, SNAP_BYTES, 20])
  recording.length = 48
}

function writeWords(view: DataView, at: number, words: readonly number[]): void {
  words.forEach((word, index) => {
    view.setUint32(at + index * 4, word, true)
  })
}

function isAbout(words: Int32Array, packet: Packet): boolean {
  const isSource =
    packet.source0 === words[0] &&
    packet.source1 === words[1] &&
    packet.source2 === words[2] &&
    packet.source3 === words[3]
  return (
    isSource ||
    (packet.target0 === words[0] &&
      packet.target1 === words[1] &&
      packet.target2 === words[2] &&
      packet.target3 === words[3])
  )
}
