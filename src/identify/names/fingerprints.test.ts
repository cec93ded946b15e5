import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clientHello } from '../../../test/support/client-hello.ts'
import { fingerprintsOf, isWholeHello } from './fingerprints.ts'

const u16 = (value: number): number[] => [value >>> 8, value & 255]
const sized = (bytes: number, body: readonly number[]): number[] =>
  bytes === 1 ? [body.length, ...body] : [...u16(body.length), ...body]
const pairs = (values: readonly number[]): number[] => values.flatMap(u16)

/** A ClientHello in one record; extensions by type, in their order. */
function hello(
  version: number,
  ciphers: readonly number[],
  extensions: readonly (readonly [number, readonly number[]])[],
) {
  const list = extensions.flatMap(([type, body]) => [...u16(type), ...sized(2, body)])
  const body = [
    ...u16(version),
    ...new Array(32).fill(7),
    ...sized(1, []),
    ...sized(2, pairs(ciphers)),
    ...sized(1, [0]),
    ...(extensions.length === 0 ? [] : sized(2, list)),
  ]
  const message = [1, 0, ...u16(body.length), ...body]
  return new DataView(Uint8Array.from([22, 3, 1, ...sized(2, message)]).buffer)
}

const NAME = [0, sized(2, [0, ...sized(2, [97, 46, 98])])] as const
const GREASE = 0x1a1a

describe('the examples that the makers give', () => {
  test('JA3', () => {
    const view = hello(
      769,
      [47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
      [NAME, [10, sized(2, pairs([23, 24, 25]))], [11, sized(1, [0])]],
    )
    expect(fingerprintsOf(view, 0, 't')?.ja3).toBe('ada70206e40642a3e4461f35503241d5')
  })

  test('JA4, with GREASE everywhere', () => {
    const ciphers = [
      0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x9c, 0x9d,
      0x2f, 0x35,
    ]
    const signatures = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]
    const empty = [0x001b, 0x0033, 0x4469, 0x0017, 0x002d, 0x0005, 0x0023, 0x0012, 0xff01, 0x0015]
    const view = hello(
      0x0303,
      [GREASE, ...ciphers],
      [
        [GREASE, []],
        NAME,
        [0x0010, sized(2, [...sized(1, [104, 50]), ...sized(1, [104, 51])])],
        [0x000a, sized(2, pairs([GREASE, 29]))],
        [0x000b, sized(1, [0])],
        [0x000d, sized(2, pairs(signatures))],
        [0x002b, sized(1, pairs([GREASE, 0x0304, 0x0303]))],
        ...empty.map((type) => [type, []] as const),
        [GREASE, []],
      ],
    )
    expect(fingerprintsOf(view, 0, 't')?.ja4).toBe('t13d1516h2_8daaf6152771_e5627efa2ab1')
    expect(fingerprintsOf(view, 0, 'q')).toEqual({ ja4: 'q13d1516h2_8daaf6152771_e5627efa2ab1' })
  })
})

test('a hello without extensions, name or protocol', () => {
  expect(fingerprintsOf(hello(0x0301, [], []), 0, 't')?.ja4).toBe('t10i000000_000000000000_000000000000')
  const binary = hello(0x0303, [5], [[16, sized(2, sized(1, [0xab, 0xcd]))]])
  expect(fingerprintsOf(binary, 0, 't')?.ja4).toMatch(/^t12i0101ad_/)
})

test('what OpenSSL says is whole at its last byte, and the same with and without a name but for that', async () => {
  const [named, bare] = [await clientHello('a.example'), await clientHello(undefined)]
  const view = new DataView(named.buffer)
  expect([isWholeHello(view, 0, named.length - 1), isWholeHello(view, 0, named.length)]).toEqual([
    false,
    true,
  ])
  const [one, two] = [fingerprintsOf(view, 0, 't'), fingerprintsOf(new DataView(bare.buffer), 0, 't')]
  expect(one?.ja4).toMatch(/^t13d\d{4}00_[0-9a-f]{12}_[0-9a-f]{12}$/)
  expect(one?.ja4.slice(10)).toBe(two?.ja4.slice(10))
  expect(two?.ja4[3]).toBe('i')
})

test('bytes of any kind never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 200 }), (bytes) => {
      const view = new DataView(Uint8Array.from([22, 3, 1, 0, 0, 1, 0, 0, bytes.length, ...bytes]).buffer)
      if (isWholeHello(view, 0, view.byteLength)) fingerprintsOf(view, 0, 't')
    }),
  )
})
