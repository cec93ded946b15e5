import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'

/**
 * The first packet of a QUIC client (RFC 9000 §17.2.2). Its keys come from what stands in it (RFC 9001 §5.2): anybody
 * on the way can read it, and there is the ClientHello.
 */

/** A piece of the ClientHello: bytes [from, to) of `bytes` stand at `offset`. */
export interface CryptoPiece {
  readonly offset: number
  readonly bytes: Uint8Array
}

interface Version {
  readonly salt: Buffer
  /** Of an Initial packet, bits 4 and 5 of the first byte. */
  readonly initialType: number
  readonly label: string
}

/** RFC 9001 §5.2 and RFC 9369 §3. */
const VERSIONS: ReadonlyMap<number, Version> = new Map([
  [
    1,
    { salt: Buffer.from('38762cf7f55934b34d179ae6a4c80cadccbb7f0a', 'hex'), initialType: 0, label: 'quic' },
  ],
  [
    0x6b3343cf,
    { salt: Buffer.from('0dede3def700a6db819381be6e269dcbf9bd2ed9', 'hex'), initialType: 1, label: 'quicv2' },
  ],
])

const LONG_HEADER = 0xc0
const MAX_CONNECTION_ID = 20
const SAMPLE = 16
const TAG = 16
const MAX_FRAMES = 256
/** No datagram is longer. */
const MAX_PIECE = 65_535
/** Frames (RFC 9000 §19). */
const PADDING = 0
const PING = 1
const ACK = 2
const ACK_ECN = 3
const CRYPTO = 6

/** True for a datagram that may begin with an Initial packet of a version that we know. */
export const looksLikeQuic = (view: DataView, start: number, end: number): boolean =>
  end - start >= 7 &&
  (view.getUint8(start) & LONG_HEADER) === LONG_HEADER &&
  VERSIONS.has(view.getUint32(start + 1))

/** The pieces in the Initial packet at the beginning of a datagram; none where there is no such packet, or it is broken. */
export function decodeInitial(view: DataView, start: number, end: number): readonly CryptoPiece[] {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + start, end - start)
  const header = readHeader(bytes)
  const plain = header && decrypt(bytes, header)
  return plain ? piecesIn(plain) : []
}

interface Header {
  readonly version: Version
  readonly connectionId: Uint8Array
  /** Where the packet number begins, and where the packet ends. */
  readonly numberAt: number
  readonly end: number
}

function readHeader(bytes: Uint8Array): Header | undefined {
  const cursor = new Cursor(bytes)
  const first = cursor.byte()
  const version = VERSIONS.get(cursor.number(4))
  if (!version || (first & LONG_HEADER) !== LONG_HEADER || ((first >> 4) & 3) !== version.initialType)
    return undefined
  const connectionId = cursor.take(cursor.byte(), MAX_CONNECTION_ID)
  cursor.take(cursor.byte(), MAX_CONNECTION_ID)
  cursor.skip(cursor.varint())
  const length = cursor.varint()
  const end = cursor.at + length
  if (cursor.isBroken || end > bytes.length || length < 4 + SAMPLE) return undefined
  return { version, connectionId, numberAt: cursor.at, end }
}

/** RFC 9001 §5.3 and §5.4. */
function decrypt(
  packet: Uint8Array,
  { version, connectionId, numberAt, end }: Header,
): Uint8Array | undefined {
  const secret = expand(hmac(version.salt, connectionId), 'client in', 32)
  const mask = createCipheriv('aes-128-ecb', expand(secret, `${version.label} hp`, 16), null).update(
    packet.subarray(numberAt + 4, numberAt + 4 + SAMPLE),
  )
  const first = (packet[0] ?? 0) ^ ((mask[0] ?? 0) & 0x0f)
  const numberLength = (first & 3) + 1
  const header = Uint8Array.from(packet.subarray(0, numberAt + numberLength))
  header[0] = first
  const nonce = expand(secret, `${version.label} iv`, 12)
  for (let at = 0; at < numberLength; at++) {
    const byte = (packet[numberAt + at] ?? 0) ^ (mask[at + 1] ?? 0)
    header[numberAt + at] = byte
    nonce[12 - numberLength + at] = (nonce[12 - numberLength + at] ?? 0) ^ byte
  }
  const decipher = createDecipheriv('aes-128-gcm', expand(secret, `${version.label} key`, 16), nonce)
  decipher.setAAD(header)
  decipher.setAuthTag(packet.subarray(end - TAG, end))
  const plain = decipher.update(packet.subarray(header.length, end - TAG))
  try {
    decipher.final()
  } catch {
    // The tag does not fit: bytes of somebody else, or changed on the way.
    return undefined
  }
  return plain
}

function piecesIn(payload: Uint8Array): readonly CryptoPiece[] {
  const cursor = new Cursor(payload)
  const pieces: CryptoPiece[] = []
  let frames = 0
  while (cursor.at < payload.length && frames < MAX_FRAMES) {
    const type = cursor.byte()
    if (type !== PADDING) frames++
    if (!READ[type]?.(cursor, pieces) || cursor.isBroken) break
  }
  return pieces
}

/** By type: reads a frame that an Initial packet may hold (RFC 9000 §17.2.2). */
const READ: Readonly<Record<number, (cursor: Cursor, pieces: CryptoPiece[]) => boolean>> = {
  [PADDING]: () => true,
  [PING]: () => true,
  [ACK]: (cursor) => skipAck(cursor, false),
  [ACK_ECN]: (cursor) => skipAck(cursor, true),
  [CRYPTO]: readCrypto,
}

function readCrypto(cursor: Cursor, pieces: CryptoPiece[]): boolean {
  const offset = cursor.varint()
  const bytes = cursor.take(cursor.varint(), MAX_PIECE)
  if (!cursor.isBroken) pieces.push({ offset, bytes })
  return true
}

/** RFC 9000 §19.3. */
function skipAck(cursor: Cursor, hasEcn: boolean): boolean {
  cursor.varint()
  cursor.varint()
  const ranges = cursor.varint()
  cursor.varint()
  for (let range = 0; range < Math.min(ranges, MAX_FRAMES); range++) {
    cursor.varint()
    cursor.varint()
  }
  for (let count = 0; hasEcn && count < 3; count++) cursor.varint()
  return true
}

/** Reads forward; what lies beyond the end reads as 0 and breaks it. */
class Cursor {
  readonly #bytes: Uint8Array
  at = 0
  isBroken = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  byte(): number {
    const value = this.#bytes[this.at++]
    if (value === undefined) this.isBroken = true
    return value ?? 0
  }

  number(length: number): number {
    let value = 0
    for (let count = 0; count < length; count++) value = value * 256 + this.byte()
    return value
  }

  /** RFC 9000 §16. */
  varint(): number {
    const first = this.byte()
    let value = first & 0x3f
    for (let more = (1 << (first >> 6)) - 1; more > 0; more--) value = value * 256 + this.byte()
    return value
  }

  skip(length: number): void {
    this.at += length
    if (this.at > this.#bytes.length) this.isBroken = true
  }

  take(length: number, most: number): Uint8Array {
    if (length > most) this.isBroken = true
    const from = this.at
    this.skip(length)
    return this.isBroken ? new Uint8Array() : this.#bytes.subarray(from, from + length)
  }
}

const hmac = (key: Uint8Array, data: Uint8Array): Buffer => createHmac('sha256', key).update(data).digest()

/** HKDF-Expand-Label of TLS 1.3 (RFC 8446 §7.1) for up to 32 bytes. */
function expand(secret: Uint8Array, label: string, length: number): Uint8Array {
  const name = `tls13 ${label}`
  const info = Buffer.from([0, length, name.length, ...Buffer.from(name), 0, 1])
  return hmac(secret, info).subarray(0, length)
}
