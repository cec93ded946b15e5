import { createCipheriv, createHmac } from 'node:crypto'

/** Builds the Initial packet of a QUIC version 1 client, as RFC 9001 Appendix A.2 shows. */

const SALT = Buffer.from('38762cf7f55934b34d179ae6a4c80cadccbb7f0a', 'hex')

export interface InitialParts {
  readonly connectionId?: Uint8Array
  readonly packetNumber?: number
  /** Pieces of the handshake, each with where it stands, in the order of the packet. */
  readonly pieces: readonly (readonly [offset: number, bytes: Uint8Array])[]
  /** Bytes of the payload; what frames leave is padding. */
  readonly payloadLength?: number
}

const varint = (value: number): number[] => [
  0x80 | (value >>> 24),
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
]

/** The shortest form, as the RFC's example has it. */
const short = (value: number): number[] =>
  value < 64 ? [value] : value < 16_384 ? [0x40 | (value >> 8), value & 255] : varint(value)

function labelled(secret: Uint8Array, label: string, length: number): Buffer {
  const info = Buffer.concat([
    Buffer.from([0, length, label.length + 6]),
    Buffer.from(`tls13 ${label}`),
    Buffer.from([0]),
  ])
  return Buffer.from(hmac(secret, Buffer.concat([info, Buffer.from([1])])).subarray(0, length))
}

const hmac = (key: Uint8Array, data: Uint8Array): Buffer => createHmac('sha256', key).update(data).digest()

export function quicInitial(parts: InitialParts): Uint8Array {
  const {
    connectionId = Buffer.from('8394c8f03e515708', 'hex'),
    packetNumber = 2,
    pieces,
    payloadLength = 1_162,
  } = parts
  const frames = pieces.flatMap(([offset, bytes]) => [6, ...short(offset), ...short(bytes.length), ...bytes])
  const payload = Buffer.alloc(Math.max(payloadLength, frames.length))
  payload.set(frames)
  const length = 4 + payload.length + 16
  const number = [
    packetNumber >>> 24,
    (packetNumber >>> 16) & 255,
    (packetNumber >>> 8) & 255,
    packetNumber & 255,
  ]
  const header = Buffer.from([
    0xc3,
    ...[0, 0, 0, 1],
    connectionId.length,
    ...connectionId,
    0,
    0,
    ...short(length),
    ...number,
  ])
  const secret = labelled(hmac(SALT, connectionId), 'client in', 32)
  const nonce = labelled(secret, 'quic iv', 12)
  for (let at = 0; at < 4; at++) nonce[8 + at] = (nonce[8 + at] ?? 0) ^ (number[at] ?? 0)
  const cipher = createCipheriv('aes-128-gcm', labelled(secret, 'quic key', 16), nonce)
  cipher.setAAD(header)
  const body = Buffer.concat([cipher.update(payload), cipher.final(), cipher.getAuthTag()])
  const mask = createCipheriv('aes-128-ecb', labelled(secret, 'quic hp', 16), null).update(
    body.subarray(0, 16),
  )
  header[0] = (header[0] ?? 0) ^ ((mask[0] ?? 0) & 0x0f)
  for (let at = 0; at < 4; at++) header[header.length - 4 + at] = (number[at] ?? 0) ^ (mask[at + 1] ?? 0)
  return Uint8Array.from(Buffer.concat([header, body]))
}
