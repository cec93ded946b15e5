import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quicInitial } from '../../../test/support/quic-initial.ts'
import { decodeInitial, looksLikeQuic } from './decode-quic.ts'

/** The ClientHello of RFC 9001 Appendix A.2. */
const HELLO = Buffer.from(
  '010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c0000000' +
    '10000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e0005000501000000' +
    '00003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400' +
    '0d0010000e0403050306030203080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff0704' +
    '8000ffff0801100104800075300901100f088394c8f03e51570806048000ffff',
  'hex',
)

const viewOf = (bytes: Uint8Array): DataView => new DataView(Uint8Array.from(bytes).buffer)
const decode = (bytes: Uint8Array) => decodeInitial(viewOf(bytes), 0, bytes.length)

test('opens the packet that the RFC shows', () => {
  const packet = quicInitial({ pieces: [[0, HELLO]] })
  // The first bytes of the protected packet in the RFC: so it is the RFC's packet that is opened here.
  expect(Buffer.from(packet.subarray(0, 38)).toString('hex')).toBe(
    'c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9b',
  )
  expect(looksLikeQuic(viewOf(packet), 0, packet.length)).toBe(true)
  expect(decode(packet).map(({ offset, bytes }) => [offset, Buffer.from(bytes)])).toEqual([[0, HELLO]])
})

test('pieces come out as they lie in the packet, in any order', () => {
  const pieces = [
    [100, HELLO.subarray(100)],
    [0, HELLO.subarray(0, 40)],
    [40, HELLO.subarray(40, 100)],
  ] as const
  expect(decode(quicInitial({ pieces })).map(({ offset }) => offset)).toEqual([100, 0, 40])
})

test('a packet that was changed anywhere, or cut off, tells nothing', () => {
  const packet = quicInitial({ pieces: [[0, HELLO]] })
  const change = fc.tuple(fc.nat(packet.length - 1), fc.integer({ min: 1, max: 255 }))
  fc.assert(
    fc.property(change, ([at, by]) => {
      const changed = Uint8Array.from(packet)
      changed[at] = (changed[at] ?? 0) ^ by
      expect(decode(changed)).toEqual([])
      expect(decode(packet.subarray(0, at))).toEqual([])
    }),
    { numRuns: 300 },
  )
})

test('no bytes make it throw', () => {
  const begun = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => {
    bytes.set([0xc0, 0, 0, 0, 1].slice(0, bytes.length))
    return bytes
  })
  fc.assert(
    fc.property(fc.oneof(begun, fc.uint8Array({ maxLength: 300 })), (bytes) => void decode(bytes)),
    {
      numRuns: 2_000,
    },
  )
})
