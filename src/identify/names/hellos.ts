/** ClientHellos of QUIC in the making: their pieces come in any order, in one packet or several. */
const HELLOS = 64
/** With the record header in front that a ClientHello has over TCP, so that one reader serves both. */
const HEADER = 5
const HELLO_BYTES = 4_096
const HANDSHAKE_RECORD = 22

/** 64 buffers of 4 KB; when all are in use the one that was opened longest ago makes room. */
export class Hellos {
  readonly #bytes = new Uint8Array(HELLOS * HELLO_BYTES)
  /** 1 for each byte that came. */
  readonly #has = new Uint8Array(HELLOS * HELLO_BYTES)
  readonly #filled = new Int32Array(HELLOS)
  readonly #flows = new Int32Array(HELLOS).fill(-1)
  readonly #view = new DataView(this.#bytes.buffer)
  #next = 0

  /** The flow whose buffer makes room, or -1. Ask before `open`. */
  get displaced(): number {
    return this.#flows[this.#next] as number
  }

  get view(): DataView {
    return this.#view
  }

  open(flow: number): number {
    const hello = this.#next
    // What an older one left would be read as the type of a message before the first byte has come.
    this.#bytes.fill(0, hello * HELLO_BYTES, hello * HELLO_BYTES + HEADER + 4)
    this.#bytes[hello * HELLO_BYTES] = HANDSHAKE_RECORD
    this.#next = (hello + 1) % HELLOS
    this.#flows[hello] = flow
    this.#filled[hello] = 0
    this.#has.fill(0, hello * HELLO_BYTES, (hello + 1) * HELLO_BYTES)
    return hello
  }

  close(hello: number): void {
    this.#flows[hello] = -1
  }

  start(hello: number): number {
    return hello * HELLO_BYTES
  }

  /** Where its bytes without a gap end, the record header among them. */
  end(hello: number): number {
    return hello * HELLO_BYTES + HEADER + (this.#filled[hello] as number)
  }

  /** False when the piece lies beyond the buffer. */
  add(hello: number, offset: number, piece: Uint8Array): boolean {
    if (offset + piece.length > HELLO_BYTES - HEADER) return false
    const base = hello * HELLO_BYTES + HEADER
    this.#bytes.set(piece, base + offset)
    this.#has.fill(1, base + offset, base + offset + piece.length)
    let filled = this.#filled[hello] as number
    while (filled < HELLO_BYTES - HEADER && this.#has[base + filled] === 1) filled++
    this.#filled[hello] = filled
    this.#head(hello)
    return true
  }

  /** The record is as long as the message says that it is itself. */
  #head(hello: number): void {
    const at = hello * HELLO_BYTES
    const length = 4 + (this.#view.getUint32(at + HEADER) & 0xff_ffff)
    this.#view.setUint8(at, HANDSHAKE_RECORD)
    this.#view.setUint16(at + 1, 0x0301)
    this.#view.setUint16(at + 3, Math.min(length, HELLO_BYTES))
  }
}
