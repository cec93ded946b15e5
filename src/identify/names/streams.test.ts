import fc from 'fast-check'
import { expect, test } from 'vitest'
import { STREAM_BYTES, Streams } from './streams.ts'

const text = 'the quick brown fox jumps over the lazy dog'
const bytes = Buffer.from(text)
const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

function contents(streams: Streams, stream: number): string {
  const into = new Uint8Array(STREAM_BYTES)
  return Buffer.from(into.buffer, 0, streams.copy(stream, into)).toString()
}

test('segments are joined whether they come late, twice or overlapping', () => {
  const segment = fc
    .tuple(fc.nat(text.length - 1), fc.nat(text.length))
    .map(([a, b]) => [a, Math.max(a + 1, b)] as const)
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 30 }), fc.integer({ min: -40, max: 40 }), (segments, near) => {
      // Sequence numbers that wrap around among these.
      const base = near | 0
      const streams = new Streams()
      const stream = streams.open(1, 1, base)
      for (const [from, to] of segments) streams.add(stream, (base + from) | 0, view, from, to)
      const got = contents(streams, stream)
      expect(text.startsWith(got)).toBe(true)
      streams.add(stream, base, view, 0, bytes.length)
      expect(contents(streams, stream)).toBe(text)
    }),
  )
})

test('in order, nothing is missing', () => {
  const streams = new Streams()
  const stream = streams.open(1, 1, 0x7ffffff0)
  for (let at = 0; at < text.length; at += 5) {
    streams.add(stream, (0x7ffffff0 + at) | 0, view, at, Math.min(text.length, at + 5))
  }
  expect(contents(streams, stream)).toBe(text)
})

test('what was dropped is gone, and the rest goes on, behind a gap too', () => {
  const streams = new Streams()
  const stream = streams.open(1, 1, 100)
  streams.add(stream, 100, view, 0, 10)
  streams.add(stream, 120, view, 20, 30)
  streams.drop(stream, 4)
  expect(contents(streams, stream)).toBe(text.slice(4, 10))
  streams.add(stream, 110, view, 10, 20)
  expect(contents(streams, stream)).toBe(text.slice(4, 30))
})

test('says when there is no more room, and takes nothing beyond it', () => {
  const streams = new Streams()
  const stream = streams.open(1, 1, 0)
  expect(streams.add(stream, STREAM_BYTES - 5, view, 0, 10)).toBe(false)
  expect(streams.length(stream)).toBe(0)
})

test('the stream that was opened longest ago makes room', () => {
  const streams = new Streams()
  const first = streams.open(1000, 1, 0)
  expect(streams.displaced).toBe(-1)
  for (let flow = 1; flow < 128; flow++) streams.open(flow, 1, 0)
  expect(streams.displaced).toBe(1000)
  streams.close(first)
  expect(streams.displaced).toBe(-1)
})
