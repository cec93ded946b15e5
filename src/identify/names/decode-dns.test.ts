import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dnsMessage, nameBytes } from '../../../test/support/dns-message.ts'
import { decodeDnsAnswer, decodeMulticastDns, type NamedAddress } from './decode-dns.ts'

const viewOf = (bytes: ArrayLike<number>): DataView => new DataView(Uint8Array.from(bytes).buffer)
const decode = (bytes: ArrayLike<number>): readonly NamedAddress[] => {
  const view = viewOf(bytes)
  return decodeDnsAnswer(view, 0, view.byteLength)
}
const pairs = (found: readonly NamedAddress[]): string[] =>
  found.map(({ name, address }) => `${name} ${address}`)

describe('answers', () => {
  test('give each address the name that was asked for, in lower case', () => {
    const message = dnsMessage({
      question: 'WWW.Example.com',
      answers: [
        { name: 'www.example.com', type: 'A', data: '192.0.2.1', ttl: 300 },
        { name: 'www.example.com', type: 'AAAA', data: '20010db8000000000000000000000001' },
      ],
    })
    expect(decode(message)).toEqual([
      { name: 'www.example.com', address: '192.0.2.1', ttlSeconds: 300 },
      { name: 'www.example.com', address: '2001:db8::1', ttlSeconds: 60 },
    ])
  })

  test('a chain of aliases leads back to what was asked, in any order', () => {
    const answers = [
      { name: 'c.cdn.net', type: 'A', data: '192.0.2.1' },
      { name: 'b.cdn.net', type: 'CNAME', data: 'c.cdn.net' },
      { name: 'shop.example', type: 'CNAME', data: 'b.cdn.net' },
    ] as const
    expect(pairs(decode(dnsMessage({ question: 'shop.example', answers })))).toEqual([
      'shop.example 192.0.2.1',
    ])
  })

  test('records that do not belong to the question are passed by', () => {
    const answers = [
      { name: 'bank.example', type: 'A', data: '192.0.2.66' },
      { name: 'asked.example', type: 'A', data: '192.0.2.1' },
    ] as const
    expect(pairs(decode(dnsMessage({ question: 'asked.example', answers })))).toEqual([
      'asked.example 192.0.2.1',
    ])
  })

  test('aliases that point at one another end', () => {
    const answers = [
      { name: 'a', type: 'CNAME', data: 'b' },
      { name: 'b', type: 'CNAME', data: 'a' },
      { name: 'b', type: 'A', data: '192.0.2.1' },
    ] as const
    expect(pairs(decode(dnsMessage({ question: 'a', answers })))).toEqual(['a 192.0.2.1'])
  })

  test.each([
    ['a question', 0x0100],
    ['an error', 0x8183],
    ['another kind of message', 0xa800],
  ])('%s names nobody', (_, flags) => {
    const answers = [{ name: 'a', type: 'A', data: '192.0.2.1' }] as const
    expect(decode(dnsMessage({ flags, question: 'a', answers }))).toEqual([])
  })
})

describe('names that are meant to harm', () => {
  const ask = (label: string): string | undefined =>
    decode(dnsMessage({ question: label, answers: [{ name: label, type: 'A', data: '192.0.2.1' }] }))[0]?.name

  test.each([['\u001b[31mred'], ['<img src=x onerror=alert(1)>'], ["'; drop table flows"], ['\u0000zero']])(
    'stay the data that they are: %j',
    (label) => {
      expect(ask(label)).toBe(label)
    },
  )

  test('a dot within a label cannot pass itself off as a border', () => {
    const label = [...[12], ...Buffer.from('bank.example'), 4, ...Buffer.from('evil'), 0]
    const header = [0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]
    const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]
    expect(pairs(decode([...header, ...label, 0, 1, 0, 1, ...answer]))).toEqual([
      'bank\\.example.evil 192.0.2.1',
    ])
  })

  test.each([
    ['itself', [0xc0, 12]],
    ['what lies ahead', [0xc0, 40]],
    ['a label before it that leads back to it', [1, 97, 0xc0, 12]],
  ])('a pointer to %s ends', (_, name) => {
    expect(
      decode([0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, ...name, 0, 1, 0, 1, ...new Array(40).fill(0)]),
    ).toEqual([])
  })

  test('a chain of pointers longer than any honest one ends', () => {
    const bytes = [0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, ...nameBytes('q'), 0, 1, 0, 1]
    const pointers: number[] = []
    for (let at = 0; at < 60; at++) pointers.push(0xc0, at === 0 ? 12 : bytes.length + 2 * (at - 1))
    const owner = [0xc0, bytes.length + 2 * 59]
    expect(decode([...bytes, ...pointers, ...owner, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 1, 2, 3, 4])).toEqual([])
  })

  test('counts that promise more than there is give what there is', () => {
    const message = dnsMessage({ question: 'a', answers: [{ name: 'a', type: 'A', data: '192.0.2.1' }] })
    message.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 6)
    expect(pairs(decode(message))).toEqual(['a 192.0.2.1'])
  })

  test('more addresses than anybody needs are cut off', () => {
    const answers = Array.from(
      { length: 120 },
      (_, at) => ({ name: 'a', type: 'A', data: `10.0.0.${at}` }) as const,
    )
    expect(decode(dnsMessage({ question: 'a', answers }))).toHaveLength(32)
  })
})

describe('multicast DNS', () => {
  const decodeLocal = (bytes: Uint8Array): readonly NamedAddress[] =>
    decodeMulticastDns(viewOf(bytes), 0, bytes.length)

  test('hosts name themselves below .local, without a question', () => {
    const answers = [{ name: 'Printer.local', type: 'A', data: '192.168.1.9' }] as const
    expect(pairs(decodeLocal(dnsMessage({ flags: 0x8400, answers })))).toEqual(['printer.local 192.168.1.9'])
  })

  test('nobody on the link can give a name of the Internet away', () => {
    const answers = [{ name: 'bank.example', type: 'A', data: '192.168.1.9' }] as const
    expect(decodeLocal(dnsMessage({ flags: 0x8400, answers }))).toEqual([])
  })
})

test('every cut of a message gives a part of what the whole gives', () => {
  const answers = [
    { name: 'a.example', type: 'CNAME', data: 'b.example' },
    { name: 'b.example', type: 'A', data: '192.0.2.1' },
    { name: 'b.example', type: 'A', data: '192.0.2.2' },
  ] as const
  const message = dnsMessage({ question: 'a.example', answers })
  const whole = pairs(decode(message))
  for (let length = 0; length < message.length; length++) {
    const some = pairs(decode(message.subarray(0, length)))
    expect(whole.slice(0, some.length)).toEqual(some)
  }
})

test('no bytes make it throw or run on, and no name is longer than a name can be', () => {
  const message = dnsMessage({
    question: 'a.example',
    answers: [{ name: 'a.example', type: 'A', data: '192.0.2.1' }],
  })
  const changes = fc.array(fc.tuple(fc.nat(message.length - 1), fc.nat(255)), { maxLength: 12 })
  const mutated = changes.map((list) => {
    const copy = Uint8Array.from(message)
    for (const [at, value] of list) copy[at] = value
    return copy
  })
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 512 })), (bytes) => {
      for (const found of [decode(bytes), decodeMulticastDns(viewOf(bytes), 0, bytes.length)]) {
        expect(found.length).toBeLessThanOrEqual(32)
        for (const { name } of found) expect(name.length).toBeLessThanOrEqual(255)
      }
    }),
    { numRuns: 5_000 },
  )
})
