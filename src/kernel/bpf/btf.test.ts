import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Btf, BtfError, readKernelBtf } from './btf.ts'

const INT = 1
const STRUCT = 4
const UNION = 5
const TYPEDEF = 8
const CONST = 10

/** One type: its head, then words. `count` is the number of members; a size or type id stands in `value`. */
interface Type {
  readonly name?: string
  readonly kind: number
  readonly hasBitFields?: boolean
  readonly value?: number
  readonly members?: readonly (readonly [name: string, type: number, offset: number])[]
  readonly tail?: readonly number[]
}

function btfOf(types: readonly Type[]): Buffer {
  let names = '\0'
  const nameAt = (name: string): number => {
    if (name === '') return 0
    names += `${name}\0`
    return names.length - name.length - 1
  }
  const words: number[] = []
  for (const { name = '', kind, hasBitFields, value = 0, members = [], tail = [] } of types) {
    words.push(nameAt(name), ((hasBitFields ? 1 << 31 : 0) | (kind << 24) | members.length) >>> 0, value)
    for (const [member, type, offset] of members) words.push(nameAt(member), type, offset)
    words.push(...tail)
  }
  const body = Buffer.alloc(words.length * 4)
  for (const [at, word] of words.entries()) body.writeUInt32LE(word, at * 4)
  const head = Buffer.alloc(24)
  head.writeUInt16LE(0xeb9f)
  head.writeUInt8(1, 2)
  for (const [at, word] of [24, 0, body.length, body.length, names.length].entries())
    head.writeUInt32LE(word, 4 + at * 4)
  return Buffer.concat([head, body, Buffer.from(names, 'latin1')])
}

const SAMPLE = btfOf([
  { name: 'int', kind: INT, value: 4, tail: [0] },
  {
    name: 'inner',
    kind: STRUCT,
    value: 8,
    members: [
      ['a', 1, 0],
      ['b', 1, 32],
    ],
  },
  { name: 'inner_t', kind: TYPEDEF, value: 2 },
  { kind: CONST, value: 3 },
  {
    kind: UNION,
    value: 8,
    members: [
      ['x', 1, 0],
      ['', 6, 32],
    ],
  },
  { kind: STRUCT, value: 4, members: [['deep', 1, 0]] },
  {
    name: 'outer',
    kind: STRUCT,
    value: 32,
    hasBitFields: true,
    members: [
      ['flag', 1, (3 << 24) | 8],
      ['in', 4, 64],
      ['', 5, 128],
    ],
  },
  { name: 'loop', kind: STRUCT, members: [['', 9, 0]] },
  { kind: TYPEDEF, value: 8 },
  { name: 'btf_trace_made_up', kind: TYPEDEF, value: 1 },
])

describe('offset', () => {
  test.each([
    ['inner', 'b', 4],
    ['outer', 'flag', 1],
    ['outer', 'in', 8],
    ['outer', 'in.b', 12],
    ['outer', 'x', 16],
    ['outer', 'deep', 20],
  ])('of %s.%s', (struct, member, bytes) => {
    expect(new Btf(SAMPLE).offset(struct, member)).toBe(bytes)
  })

  test.each([
    ['outer', 'nothing'],
    ['nothing', 'a'],
    ['outer', 'flag.a'],
    ['loop', 'a'],
    ['inner', ''],
  ])('of %s.%s is an error that names it', (struct, member) => {
    expect(() => new Btf(SAMPLE).offset(struct, member)).toThrow(`this kernel has no ${struct}.${member}`)
  })
})

test('the type of a tracepoint is found by its name; one that is not there is named', () => {
  expect(new Btf(SAMPLE).tracepoint('made_up')).toBe(10)
  expect(() => new Btf(SAMPLE).tracepoint('made')).toThrow('this kernel has no tracepoint made')
})

test('bytes that are cut off or changed give an answer or a BtfError, never anything else', () => {
  const attempt = (bytes: Buffer): void => {
    try {
      const btf = new Btf(bytes)
      for (const member of ['in.b', 'deep', 'zz']) btf.offset('outer', member)
      btf.tracepoint('made_up')
    } catch (error) {
      expect(error).toBeInstanceOf(BtfError)
    }
  }
  for (let length = 0; length < SAMPLE.length; length++) attempt(Buffer.from(SAMPLE.subarray(0, length)))
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(SAMPLE.length - 1), fc.nat(255)), { maxLength: 8 }), (changes) => {
      const bytes = Buffer.from(SAMPLE)
      for (const [at, value] of changes) bytes[at] = value
      attempt(bytes)
    }),
    { numRuns: 2_000 },
  )
})

test('a kernel without type information is named', () => {
  expect(() => readKernelBtf('/nonexistent/btf')).toThrow('this kernel has no type information')
})
