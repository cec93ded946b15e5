import { expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import { createPointers, type PointerResolver } from './pointers.ts'

const HOST = ip('203.0.113.9')

function aBook(reverse: PointerResolver['reverse']) {
  const order: string[] = []
  const clock = { now: 1_000 }
  const pointers = createPointers({
    now: () => clock.now,
    async record({ to, what, why }) {
      await Promise.resolve()
      order.push(`on record: ${what} to ${to}, ${why}`)
    },
    resolver: {
      servers: () => ['192.0.2.53'],
      reverse(address) {
        order.push(`asked ${address}`)
        return reverse(address)
      },
    },
  })
  return { pointers, order, clock }
}

const failing = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }))

test('a question is on record before it is sent, and asked once while its answer is kept', async () => {
  const { pointers, order, clock } = aBook(async () => ['Scanner.Example'])
  const both = await Promise.all([pointers.ask(HOST, 'asked by anna'), pointers.ask(HOST, 'asked by anna')])
  expect(both).toEqual(new Array(2).fill({ state: 'named', name: 'scanner.example' }))
  expect(order).toEqual(['on record: PTR of 203.0.113.9 to 192.0.2.53, asked by anna', 'asked 203.0.113.9'])
  clock.now += 3_599_000
  await pointers.ask(HOST, 'again')
  expect(order).toHaveLength(2)
  clock.now += 2_000
  await pointers.ask(HOST, 'again')
  expect(order).toHaveLength(4)
})

test.each([
  ['ENOTFOUND', { state: 'nameless' }, 301_000],
  ['ENODATA', { state: 'nameless' }, 301_000],
  ['ETIMEOUT', { state: 'failed', because: 'no DNS server answered within 4 seconds' }, 11_000],
  ['ECONNREFUSED', { state: 'failed', because: 'the DNS server could not be asked (ECONNREFUSED)' }, 11_000],
])('%s is an answer, and kept for a while', async (code, answer, laterMs) => {
  const { pointers, order, clock } = aBook(failing(code))
  expect(await pointers.ask(HOST, 'x')).toEqual(answer)
  await pointers.ask(HOST, 'x')
  expect(order).toHaveLength(2)
  clock.now += laterMs
  await pointers.ask(HOST, 'x')
  expect(order).toHaveLength(4)
})

test('nothing is sent when it cannot be put on record', async () => {
  const asked: string[] = []
  const pointers = createPointers({
    now: () => 0,
    record: () => Promise.reject(new Error('the store is closed')),
    resolver: {
      servers: () => [],
      reverse: async (address) => {
        asked.push(address)
        return []
      },
    },
  })
  await expect(pointers.ask(HOST, 'x')).rejects.toThrow('closed')
  expect(asked).toEqual([])
})

test('a name that is longer than a name can be is none', async () => {
  const { pointers } = aBook(async () => ['x'.repeat(300)])
  expect(await pointers.ask(HOST, 'x')).toEqual({ state: 'nameless' })
})
