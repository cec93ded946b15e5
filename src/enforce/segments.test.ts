import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contains, ip, ipBytes, parseTarget, type Target } from '#model/address.ts'
import {
  addressBytes,
  addressNumber,
  addressText,
  bytesOfAddress,
  segmentAt,
  segmentsOf,
  type TimedRange,
} from './segments.ts'

const target = (text: string): Target => {
  const parsed = parseTarget(text)
  if (parsed === undefined) throw new Error(`test setup: ${text}`)
  return parsed
}
const range = (text: string, until?: number): TimedRange => ({
  target: target(text),
  ...(until !== undefined && { until }),
})
const shown = (ranges: readonly TimedRange[]) =>
  segmentsOf(ranges).map(({ first, end, until, owner }) => {
    const last = addressBytes(end - 1n, 4)
    const start = addressBytes(first, 4)
    if (!start || !last) throw new Error('not IPv4')
    return `${addressText(start)}-${addressText(last)} ${owner}${until === undefined ? '' : ` until ${until}`}`
  })

describe('ranges become segments that share no address', () => {
  test('one range is one segment', () => {
    expect(shown([range('10.0.0.0/8')])).toEqual(['10.0.0.0-10.255.255.255 10.0.0.0/8'])
  })

  test('an inner range cuts the outer one in three, whichever came first', () => {
    const parts = [
      '10.0.0.0-10.0.255.255 10.0.0.0/8 until 5',
      '10.1.0.0-10.1.255.255 10.1.0.0/16 until 9',
      '10.2.0.0-10.255.255.255 10.0.0.0/8 until 5',
    ]
    expect(shown([range('10.0.0.0/8', 5), range('10.1.0.0/16', 9)])).toEqual(parts)
    expect(shown([range('10.1.0.0/16', 9), range('10.0.0.0/8', 5)])).toEqual(parts)
  })

  test('the inner part of a longer-lived range lives as long as that', () => {
    expect(shown([range('10.0.0.0/8'), range('10.0.0.0/16', 9)])).toEqual([
      '10.0.0.0-10.0.255.255 10.0.0.0/16',
      '10.1.0.0-10.255.255.255 10.0.0.0/8',
    ])
  })

  test('the whole address space ends where no address is left', () => {
    const [everything] = segmentsOf([range('0.0.0.0/0')])
    expect(everything && addressBytes(everything.end, 4)).toBeUndefined()
  })
})

test('whatever the ranges, an address is in exactly one segment when some range has it, and in none else', () => {
  const anyRange = fc
    .tuple(
      fc.constantFrom('10.0.0.0', '10.0.0.64', '10.0.0.96', '10.0.1.0'),
      fc.integer({ min: 20, max: 31 }),
    )
    .map(([address, bits]) => target(`${address}/${bits}`))
  const anyAddress = fc.tuple(fc.integer({ min: 0, max: 16 }), fc.nat(255)).map(([c, d]) => `10.0.${c}.${d}`)
  fc.assert(
    fc.property(fc.uniqueArray(anyRange, { maxLength: 8 }), anyAddress, (targets, text) => {
      const ranges = targets.map((each, at) => ({ target: each, until: at + 1 }))
      const around = ranges.filter((each) => contains(each.target, ip(text)))
      const value = addressNumber(ipBytes(ip(text)))
      const segments = segmentsOf(ranges)
      const found = segments.filter(({ first, end }) => first <= value && value < end)
      expect(found).toHaveLength(around.length === 0 ? 0 : 1)
      expect(segmentAt(segments, value)).toBe(found[0])
      if (around.length === 0) return
      expect(found[0]?.until).toBe(Math.max(...around.map(({ until }) => until)))
    }),
  )
})

test('bytes and numbers are the same address', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.ipV4(), fc.ipV6()).filter((text) => !text.startsWith('::ffff:')),
      (text) => {
        const bytes = ipBytes(ip(text))
        expect(bytesOfAddress(addressText(bytes))).toEqual(bytes)
        expect(addressBytes(addressNumber(bytes), bytes.length === 4 ? 4 : 16)).toEqual(bytes)
      },
    ),
  )
})
