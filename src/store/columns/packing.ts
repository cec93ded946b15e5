/** How columns lie in the database: little endian, as this machine has it. */

export function packNumbers(values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer)
}

export const unpackNumbers = (packed: Uint8Array): Uint32Array => new Uint32Array(aligned(packed))

/** Addresses of 4 bytes, then those of 16; the first number says how many there are of the former. */
export function packAddresses(values: readonly Uint8Array[]): Uint8Array {
  const [short, long] = [
    values.filter(({ length }) => length === 4),
    values.filter(({ length }) => length === 16),
  ]
  return Buffer.concat([packNumbers([short.length]), ...short, ...long])
}

export function unpackAddresses(packed: Uint8Array): Uint8Array[] {
  const short = new DataView(packed.buffer, packed.byteOffset).getUint32(0, true)
  const addresses: Uint8Array[] = []
  for (let at = 4; at < packed.length; ) {
    const length = addresses.length < short ? 4 : 16
    addresses.push(packed.subarray(at, at + length))
    at += length
  }
  return addresses
}

export type Codes = Uint8Array | Uint16Array

/** One, two, four, eight or sixteen bits each, as few as `highest` lets them be. */
export function packCodes(codes: readonly number[], highest: number): Uint8Array {
  const bits = bitsOf(highest)
  if (bits === 16) return new Uint8Array(Uint16Array.from(codes).buffer)
  if (bits === 8) return Uint8Array.from(codes)
  const each = 8 / bits
  const bytes = new Uint8Array(1 + Math.ceil(codes.length / each))
  // How many places of the last byte nobody has.
  bytes[0] = (bytes.length - 1) * each - codes.length
  for (const [at, code] of codes.entries()) {
    const place = 1 + Math.floor(at / each)
    bytes[place] = (bytes[place] as number) | (code << ((at % each) * bits))
  }
  return bytes
}

export function unpackCodes(packed: Uint8Array, highest: number): Codes {
  const bits = bitsOf(highest)
  if (bits === 16) return new Uint16Array(aligned(packed))
  if (bits === 8) return packed
  const each = 8 / bits
  const codes = new Uint8Array((packed.length - 1) * each - (packed[0] as number))
  const mask = 2 ** bits - 1
  for (let at = 0, place = 1; at < codes.length; place++) {
    const byte = packed[place] as number
    for (let shift = 0; shift < 8 && at < codes.length; shift += bits) codes[at++] = (byte >> shift) & mask
  }
  return codes
}

const bitsOf = (highest: number): number => [1, 2, 4, 8].find((bits) => highest < 2 ** bits) ?? 16

/** Rising ids as the steps between them, seven bits in each byte, the lowest first. */
export function packIds(ids: readonly number[], first: number): Uint8Array {
  const bytes: number[] = []
  let before = first
  for (const id of ids) {
    let step = id - before
    before = id
    while (step >= 128) {
      bytes.push((step % 128) + 128)
      step = Math.floor(step / 128)
    }
    bytes.push(step)
  }
  return Uint8Array.from(bytes)
}

export function unpackIds(packed: Uint8Array, first: number): number[] {
  const ids: number[] = []
  let [id, step, place] = [first, 0, 1]
  for (const byte of packed) {
    step += (byte & 127) * place
    place *= 128
    if (byte >= 128) continue
    id += step
    ids.push(id)
    ;[step, place] = [0, 1]
  }
  return ids
}

/** Typed arrays begin at a multiple of their width. */
const aligned = (packed: Uint8Array): ArrayBuffer => packed.slice().buffer as ArrayBuffer
