/** Writes capture files by hand, in every dialect. A test names only what it is about. */

type Endian = 'little' | 'big'

export interface WrittenFrame {
  /** Seconds and the fraction in the file's own unit. */
  readonly seconds?: number
  readonly fraction?: number
  readonly bytes?: Uint8Array
  /** Bytes on the wire, where the frame was cut. */
  readonly length?: number
}

export interface PcapDialect {
  readonly endian?: Endian
  readonly nanoseconds?: boolean
  readonly linkType?: number
}

/** Fixed-width numbers in one byte order: [value, bytes] pairs. */
export function numbers(
  endian: Endian,
  ...pairs: readonly (readonly [value: number | bigint, bytes: 1 | 2 | 4 | 8])[]
): Uint8Array {
  const out = new Uint8Array(pairs.reduce((sum, [, bytes]) => sum + bytes, 0))
  const view = new DataView(out.buffer)
  const little = endian === 'little'
  let at = 0
  for (const [value, bytes] of pairs) {
    if (bytes === 8) view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), little)
    else if (bytes === 4) view.setUint32(at, Number(value), little)
    else if (bytes === 2) view.setUint16(at, Number(value), little)
    else view.setUint8(at, Number(value))
    at += bytes
  }
  return out
}

export const concat = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))

const DEFAULT_BYTES = Uint8Array.of(1, 2, 3, 4, 5, 6)

/** A pcap file. */
export function pcap(frames: readonly WrittenFrame[], dialect: PcapDialect = {}): Uint8Array {
  const endian = dialect.endian ?? 'little'
  const magic = dialect.nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4
  const linkType = dialect.linkType ?? 1
  const header = numbers(endian, [magic, 4], [2, 2], [4, 2], [0, 4], [0, 4], [262_144, 4], [linkType, 4])
  return concat(header, ...frames.map((frame) => pcapRecord(frame, endian)))
}

function pcapRecord(frame: WrittenFrame, endian: Endian): Uint8Array {
  const bytes = frame.bytes ?? DEFAULT_BYTES
  const { seconds = 0, fraction = 0, length = bytes.length } = frame
  return concat(numbers(endian, [seconds, 4], [fraction, 4], [bytes.length, 4], [length, 4]), bytes)
}

const padded = (bytes: Uint8Array): Uint8Array => concat(bytes, new Uint8Array(-bytes.length & 3))

/** Blocks of a pcapng file in one byte order. */
export function pcapngBlocks(endian: Endian = 'little') {
  const block = (type: number, ...body: readonly Uint8Array[]): Uint8Array => {
    const inside = padded(concat(...body))
    const length = inside.length + 12
    return concat(numbers(endian, [type, 4], [length, 4]), inside, numbers(endian, [length, 4]))
  }
  const option = (code: number, value: Uint8Array): Uint8Array =>
    concat(numbers(endian, [code, 2], [value.length, 2]), padded(value))
  return {
    block,
    section: () => block(0x0a0d0d0a, numbers(endian, [0x1a2b3c4d, 4], [1, 2], [0, 2], [-1n, 8])),
    interface(
      about: {
        readonly linkType?: number
        readonly name?: string
        readonly resolution?: number
        readonly offsetSeconds?: number
        readonly snapBytes?: number
      } = {},
    ) {
      const options: Uint8Array[] = []
      if (about.name !== undefined) options.push(option(2, new TextEncoder().encode(about.name)))
      if (about.resolution !== undefined) options.push(option(9, Uint8Array.of(about.resolution)))
      if (about.offsetSeconds !== undefined) {
        options.push(option(14, numbers(endian, [BigInt(about.offsetSeconds), 8])))
      }
      if (options.length > 0) options.push(numbers(endian, [0, 2], [0, 2]))
      const head = numbers(endian, [about.linkType ?? 1, 2], [0, 2], [about.snapBytes ?? 0, 4])
      return block(1, head, ...options)
    },
    packet(
      about: { readonly interface?: number; readonly ticks?: bigint; readonly bytes?: Uint8Array } = {},
    ) {
      const { bytes = DEFAULT_BYTES, ticks = 0n } = about
      const time = numbers(endian, [ticks >> 32n, 4], [ticks & 0xffff_ffffn, 4])
      const lengths = numbers(endian, [bytes.length, 4], [bytes.length, 4])
      return block(6, numbers(endian, [about.interface ?? 0, 4]), time, lengths, padded(bytes))
    },
    oldPacket(ticks: bigint, bytes: Uint8Array = DEFAULT_BYTES) {
      const time = numbers(endian, [ticks >> 32n, 4], [ticks & 0xffff_ffffn, 4])
      const lengths = numbers(endian, [bytes.length, 4], [bytes.length, 4])
      return block(2, numbers(endian, [0, 2], [0, 2]), time, lengths, padded(bytes))
    },
    simplePacket: (length: number, bytes: Uint8Array) =>
      block(3, numbers(endian, [length, 4]), padded(bytes)),
  }
}
