import { expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { Connection } from '#model/flow.ts'
import { EMPTY_BOOK, parseRules } from '#policy/rules/parse.ts'
import { aConnection } from '../../test/support/connections.ts'
import { anOwner } from '../../test/support/remembered.ts'
import { endDenied } from './denied-connections.ts'

const NOW = 1_000_000
const inbound = { direction: 'inbound', localPort: 80, targetPort: 80 } as const
const [SSH_PEER, RESOLVER] = [ip('198.51.100.7'), ip('192.0.2.53')]
const friends = new Map<string, AllowEntry['source']>([
  [SSH_PEER, 'session'],
  [RESOLVER, 'dns'],
  ['203.0.113.5', 'person'],
])

function book(text: string) {
  const read = parseRules(text, 'test', { uidOf: () => undefined, listText: () => undefined })
  if (!read.book) throw new Error(JSON.stringify(read.problems))
  return read.book
}

function ended(rules: string, connections: readonly Connection[], before = EMPTY_BOOK): number[] {
  const ids: number[] = []
  endDenied(book(rules), before, {
    connections: () => connections,
    spares: (address) => {
      const source = friends.get(address)
      return source && { source, target: address, note: source }
    },
    namesOf: (address) => (address === '203.0.113.9' ? ['www.ads.example'] : []),
    pagePort: 8090,
    startedAt: 0,
    now: () => NOW,
    say: () => {},
    end: ({ id }) => ids.push(id) > 0,
  })
  return ids
}

const SHUT = 'defaults: { inbound: deny, outbound: deny, forward: deny }'

test.each<[string, Partial<Connection>]>([
  ['out', {}],
  ['in', inbound],
  ['through', { direction: 'forward' }],
  ['to one whom only a person spares from blocks', { target: ip('203.0.113.5') }],
  ['by UDP, long after the start', { protocol: 17, openedAt: 200_000 }],
])('what goes %s is ended where the rules deny it', (_what, about) => {
  expect(ended(SHUT, [aConnection({ id: 7, ...about })])).toEqual([7])
  expect(ended('rules: []', [aConnection({ id: 7, ...about })])).toEqual([])
})

test.each<[string, Partial<Connection>]>([
  ['a login session', { ...inbound, peer: SSH_PEER, source: SSH_PEER, localPort: 22, targetPort: 22 }],
  ['the page', { ...inbound, localPort: 8090, targetPort: 8090 }],
  ['DNS', { target: RESOLVER, targetPort: 53 }],
  ['time', { protocol: 17, peerPort: 123, targetPort: 123, openedAt: 200_000 }],
  ['what this machine says to itself', { direction: 'local' }],
  ['one whose beginning nobody saw', { tcpFlagsForward: 0x10 }],
  ['UDP that may be older than the first packet seen', { protocol: 17, openedAt: 100_000 }],
  ['one that is over', { ended: 'finished' }],
])('%s is left alone', (_what, about) => {
  expect(ended(SHUT, [aConnection(about)])).toEqual([])
})

test('what the rules before denied too is left alone, and names count', () => {
  expect(ended(SHUT, [aConnection()], book('rules: [deny out]'))).toEqual([])
  const others = [aConnection({ id: 1 }), aConnection({ id: 2, target: ip('203.0.113.10') })]
  expect(ended('rules: [deny out to .ads.example]', others)).toEqual([1])
})

test('a connection whose program is a guess is not ended by a rule that must be sure of it', () => {
  const connections = [
    aConnection({ id: 1, owner: anOwner({ source: 'ebpf', confidence: 1 }) }),
    aConnection({ id: 2, owner: anOwner({ source: 'scan', confidence: 0.95 }) }),
    aConnection({ id: 3, owner: anOwner({ source: 'guess', confidence: 0.5 }) }),
    aConnection({ id: 4 }),
  ]
  const rule = (more: string): string =>
    `rules: [{ action: deny, direction: out, program: /usr/bin/curl${more} }]`
  expect(ended(rule(''), connections)).toEqual([1, 2, 3])
  expect(ended(rule(', confidence: 90%'), connections)).toEqual([1, 2])
  expect(ended(rule(', owner: ebpf'), connections)).toEqual([1])
})
