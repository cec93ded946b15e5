import { expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import { aConnection } from '../../test/support/connections.ts'
import { createAutoAsking } from './auto-asking.ts'

function asking(kinds: readonly string[] = ['target', 'domain', 'sha256']) {
  const asked: string[] = []
  let now = 0
  const auto = createAutoAsking({
    services: {
      asksOfItself: (kind) => kinds.includes(kind),
      ask: (kind, value, { priority, isByHand }) =>
        void asked.push(`${priority} ${kind} ${value}${isByHand ? '!' : ''}`),
    },
    now: () => now,
  })
  return { auto, asked, later: (ms: number) => (now += ms) }
}

const to = (target: string, more: object = {}) =>
  aConnection({ target: ip(target), state: 'established', ...more })

test('each new public peer and name is asked about once, and more urgently when an alert is about it', () => {
  const { auto, asked } = asking()
  auto.see([to('198.51.100.7', { name: 'a.b.bad.com' }), to('198.51.100.7', { name: 'c.bad.com' })])
  auto.programFound('ab'.repeat(32))
  auto.alerted({ subject: '198.51.100.7', severity: 'high' })
  auto.alerted({ subject: '198.51.100.7', severity: 'high' })
  auto.alerted({ subject: '198.51.100.8', severity: 'low' })
  expect(asked).toEqual([
    '3 target 198.51.100.7',
    '2 domain bad.com',
    `5 sha256 ${'ab'.repeat(32)}`,
    '8 target 198.51.100.7',
  ])
})

test('nothing of the own network is told to others, nor who only knocked', () => {
  const { auto, asked } = asking()
  auto.see([
    to('192.168.1.2', { name: 'nas.local' }),
    to('10.0.0.1', { name: 'intranet' }),
    to('127.0.0.1', { name: 'printer.lan' }),
    aConnection({ direction: 'inbound', peer: ip('198.51.100.9'), state: 'syn-sent' }),
  ])
  expect(asked).toEqual([])
  auto.see([aConnection({ direction: 'inbound', peer: ip('198.51.100.9'), state: 'established' })])
  expect(asked).toEqual(['1 target 198.51.100.9'])
})

test.each([
  ['a.b.example.com', 'example.com'],
  ['www.shop.co.uk', 'shop.co.uk'],
  ['co.uk', undefined],
  ['4.3.2.1.in-addr.arpa', undefined],
  ['198.51.100.7', undefined],
])('of %s others are asked about %s', (name, domain) => {
  const { auto, asked } = asking(['domain'])
  auto.see([to('198.51.100.7', { name })])
  expect(asked).toEqual(domain === undefined ? [] : [`2 domain ${domain}`])
})

test('of a flood of peers fifty a second', () => {
  const { auto, asked, later } = asking(['target'])
  const flood = Array.from({ length: 200 }, (_, at) => to(`198.51.100.${at}`))
  auto.see(flood)
  expect(asked).toHaveLength(50)
  later(1_000)
  auto.see(flood)
  expect(asked).toHaveLength(100)
})

test('nothing is asked while no service may be', () => {
  const { auto, asked } = asking([])
  auto.see([to('198.51.100.7', { name: 'bad.com' })])
  auto.alerted({ subject: '198.51.100.7', severity: 'critical' })
  expect(asked).toEqual([])
})
