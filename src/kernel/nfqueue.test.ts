import { describe, expect, test } from 'vitest'
import { readQueued } from './nfqueue.ts'
import { outgoingEnds } from './nfqueue-packet.ts'

const viewOf = (bytes: readonly number[]): DataView => new DataView(Uint8Array.from(bytes).buffer)

/** A netlink attribute of up to 251 bytes, padded to four. */
const attribute = (type: number, value: readonly number[]): number[] => [
  value.length + 4,
  0,
  type,
  0,
  ...value,
  ...Array.from({ length: -value.length & 3 }, () => 0),
]

const HEADER = attribute(1, [0, 0, 1, 2, 8, 0, 3])
const PORTS = [0x9c, 0x40, 0, 80, 0, 0, 0, 0]
const IPV4 = [0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 1, 2, 3, 192, 0, 2, 9]
const IPV6 = [
  0x60,
  0,
  0,
  0,
  0,
  20,
  17,
  64,
  0x20,
  1,
  ...Array(13).fill(0),
  1,
  0x20,
  1,
  ...Array(13).fill(0),
  2,
]

describe('a message of the queue', () => {
  const reads = (bytes: readonly number[]): [number, number[]][] => {
    const found: [number, number[]][] = []
    const view = viewOf(bytes)
    readQueued(view, 0, view.byteLength, (id, from, start, end) => {
      found.push([id, Array.from(new Uint8Array(from.buffer, start, end - start))])
    })
    return found
  }

  test('tells the id and the packet', () => {
    expect(reads([...HEADER, ...attribute(10, [1, 2, 3])])).toEqual([[258, [1, 2, 3]]])
  })

  test('without a packet is answered all the same, so that nothing stays held', () => {
    expect(reads(HEADER)).toEqual([[258, []]])
  })

  test('without an id, or cut off, is passed over', () => {
    expect(reads(attribute(10, [1, 2, 3]))).toEqual([])
    expect(reads(HEADER.slice(0, 9))).toEqual([])
  })
})

describe('the five numbers of an outgoing packet', () => {
  const ends = (bytes: readonly number[]) => outgoingEnds(viewOf(bytes), 0, bytes.length)

  test('are read of TCP over IPv4', () => {
    expect(ends([...IPV4, ...PORTS])).toEqual({
      protocol: 6,
      version: 4,
      local: Uint32Array.of(0x0a010203, 0, 0, 0),
      localPort: 40_000,
      peer: Uint32Array.of(0xc0000209, 0, 0, 0),
      peerPort: 80,
    })
  })

  test('are read behind IP options', () => {
    const withOptions = [0x46, ...IPV4.slice(1), 1, 1, 1, 1]
    expect(ends([...withOptions, ...PORTS])).toMatchObject({ localPort: 40_000, peerPort: 80 })
  })

  test('are read of UDP over IPv6', () => {
    expect(ends([...IPV6, ...PORTS])).toEqual({
      protocol: 17,
      version: 6,
      local: Uint32Array.of(0x20010000, 0, 0, 1),
      localPort: 40_000,
      peer: Uint32Array.of(0x20010000, 0, 0, 2),
      peerPort: 80,
    })
  })

  test.each([
    ['of another protocol', [...IPV4.slice(0, 9), 1, ...IPV4.slice(10), ...PORTS]],
    ['with an impossible header length', [0x41, ...IPV4.slice(1), ...PORTS]],
    ['of another version', [0x75, ...IPV4.slice(1), ...PORTS]],
  ])('are unknown of a packet %s', (_what, bytes) => {
    expect(ends(bytes)).toBeUndefined()
  })

  test.each([
    ['IPv4', [...IPV4, ...PORTS.slice(0, 4)]],
    ['IPv6', [...IPV6, ...PORTS.slice(0, 4)]],
  ])('are unknown of %s that is cut off, wherever', (_version, bytes) => {
    for (let length = 0; length < bytes.length; length++) expect(ends(bytes.slice(0, length))).toBeUndefined()
    expect(ends(bytes)).toBeDefined()
  })
})
