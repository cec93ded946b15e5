import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { clientHello } from '../../../test/support/client-hello.ts'
import { joinRecords, looksLikeTls, readServerName } from './decode-tls.ts'
import type { Reading } from './reading.ts'

const read = (bytes: Uint8Array): Reading =>
  readServerName(new DataView(Uint8Array.from(bytes).buffer), 0, bytes.length)

let hello = new Uint8Array()
beforeAll(async () => {
  hello = Uint8Array.from(await clientHello('www.Example.com'))
})

/** The same message in records of at most `size` bytes. */
function inRecordsOf(size: number, bytes: Uint8Array): Uint8Array {
  const message = bytes.subarray(5)
  const parts: number[] = []
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size)
    parts.push(22, 3, 1, part.length >>> 8, part.length & 255, ...part)
  }
  return Uint8Array.from(parts)
}

test('finds the name that a real client sends, in lower case', () => {
  expect(looksLikeTls(new DataView(hello.buffer), 0, hello.length)).toBe(true)
  expect(read(hello)).toEqual({ state: 'found', name: 'www.example.com' })
})

test('a client that names nobody has no name', async () => {
  expect(read(await clientHello(undefined))).toEqual({ state: 'none' })
})

test('each cut asks for more or has the name, and never says that there is none', () => {
  const states = new Set<string>()
  for (let length = 1; length < hello.length; length++) {
    const { state } = read(hello.subarray(0, length))
    states.add(state)
    expect([length, state]).not.toEqual([length, 'none'])
  }
  expect([...states]).toEqual(['more', 'found'])
})

test.each([1, 7, 40, 100, 400])('a message in records of %i bytes reads like one in one', (size) => {
  const split = inRecordsOf(size, hello)
  const length = joinRecords(split, split.length)
  expect(read(split.subarray(0, length))).toEqual({ state: 'found', name: 'www.example.com' })
})

describe('what is wrong with it', () => {
  const withName = (name: string): Uint8Array => {
    const at = Buffer.from(hello).indexOf('www.Example.com')
    const copy = Uint8Array.from(hello)
    copy.set(Buffer.from(name.padEnd(15, 'x')).subarray(0, 15), at)
    return copy
  }

  test.each([
    ['\u001b[2J<b>"\'&', '\u001b[2j<b>"\'&xxxxx'],
    ['a\u0000b', 'a\u0000bxxxxxxxxxxxx'],
  ])('a hostile name stays data: %j', (name, found) => {
    expect(read(withName(name))).toEqual({ state: 'found', name: found })
  })

  test('an address is no name', () => {
    expect(read(withName('192.000.002.001'))).toEqual({ state: 'none' })
  })

  test('an answer of a server, or another protocol, is none', () => {
    const answer = Uint8Array.from(hello)
    answer[5] = 2
    expect(read(answer)).toEqual({ state: 'none' })
    expect(read(Uint8Array.from([23, 3, 3, 0, 5, 1, 2, 3, 4, 5]))).toEqual({ state: 'none' })
  })

  test('no bytes make it throw, read beyond the end, or find a name longer than a name can be', () => {
    const changes = fc.array(fc.tuple(fc.nat(199), fc.nat(255)), { maxLength: 10 })
    const mutated = fc.tuple(changes, fc.nat(600)).map(([list, length]) => {
      const copy = Uint8Array.from(hello.subarray(0, Math.max(1, length)))
      for (const [at, value] of list) if (at < copy.length) copy[at] = value
      return copy
    })
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ minLength: 1, maxLength: 400 })), (bytes) => {
        const reading = read(bytes)
        if (reading.state === 'found') expect(reading.name.length).toBeLessThanOrEqual(255)
        expect(joinRecords(Uint8Array.from(bytes), bytes.length)).toBeLessThanOrEqual(bytes.length)
      }),
      { numRuns: 5_000 },
    )
  })
})
