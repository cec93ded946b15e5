import { expect, test } from 'vitest'
import { aConnection } from '../connections/a-connection.ts'
import { periodOf, valuesOf } from './kept-values.svelte.ts'
import { isChip, joined, matches, piecesOf, quoted, understand } from './pieces.ts'
import { keyTyped, suggest, written } from './suggest.ts'

const NOW = 1_700_000_000_000
const curl = aConnection({ peer: '203.0.113.9', peerPort: 443, owner: 'curl', country: 'DE' })
const sshd = aConnection({ peer: '2001:db8::7', localPort: 22, owner: 'sshd', direction: 'inbound' })
const blocked = aConnection({ peer: '198.51.100.7', verdict: 'blocked' })
const all = [curl, sshd, blocked]

test.each([
  ['', [curl, sshd, blocked]],
  ['curl', [curl]],
  ['-app:curl', [sshd, blocked]],
  ['peer:203.0.113.0/24', [curl]],
  ['country:DE,FR -is:blocked', [curl]],
  ['2001:db8::7', [sshd]],
  ['is:ended', [blocked]],
])('the search %j finds what it names', (query, found) => {
  const { search } = understand(query, NOW)
  expect(all.filter((connection) => matches(search, connection, connection === blocked))).toEqual(found)
})

test('words with a key that can be read become chips, the rest stays in the field', () => {
  const pieces = piecesOf('-port:53 app:"two words" plain nonsense:x 2001:db8::1', NOW)
  expect(pieces.filter(isChip)).toMatchObject([
    { key: 'port', value: '53', isNot: true },
    { key: 'app', value: '"two words"', isNot: false },
  ])
  expect(joined(pieces.filter((piece) => !isChip(piece)))).toBe('plain nonsense:x 2001:db8::1')
})

test('a search that cannot be read says where, and what can be read of it still counts', () => {
  const { search, error } = understand('app:curl protocl:tcp', NOW)
  expect(error).toMatchObject({ at: 9, length: 7, hint: 'Did you mean protocol:?' })
  expect(all.filter((connection) => matches(search, connection, false))).toEqual([curl])
})

test('suggests live values with how many have them, then keys', () => {
  expect(suggest('cur', all)).toEqual([{ key: 'app', value: 'curl', isNot: false, count: 1 }])
  expect(suggest('-is:', all)[0]).toEqual({ key: 'is', value: 'allowed', isNot: true, count: 2 })
  expect(suggest('prog', all)).toEqual([{ key: 'app', value: '', isNot: false }])
  expect(suggest('country:d', all).map(written)).toEqual(['country:DE'])
  expect(suggest('owner:', all).map(written)).toEqual(['owner:scan'])
  expect(suggest('scan', all)).toEqual([])
})

test('over a period of the past what the store sums up is counted there, and the rest among live connections', () => {
  const kept = [
    ...valuesOf('app', [
      { key: '/usr/bin/curl', flows: 900 },
      { key: '/opt/curl', flows: 99 },
      { key: '[curlew]', flows: 5 },
      { key: '', flows: 7 },
      { key: '*', flows: 7 },
    ]),
    ...valuesOf('port', [
      { key: '443/tcp', flows: 6 },
      { key: '443/udp', flows: 2 },
      { key: 'icmp', flows: 4 },
    ]),
  ]
  expect(suggest('app:cur', all, kept)).toEqual([
    { key: 'app', value: 'curl', isNot: false, count: 999, isPast: true },
    { key: 'app', value: 'curlew', isNot: false, count: 5, isPast: true },
  ])
  expect(suggest('port:4', all, kept)).toEqual([
    { key: 'port', value: '443', isNot: false, count: 8, isPast: true },
  ])
  expect(suggest('app:sshd', all, kept)).toEqual([])
  expect(suggest('state:e', all, kept)[0]).not.toHaveProperty('isPast')
  expect([keyTyped('-Program:c'), keyTyped('country:'), keyTyped('curl'), keyTyped('nonsense:x')]).toEqual([
    'app',
    'country',
    undefined,
    undefined,
  ])
})

test('the period that is counted is the one that is searched', () => {
  const { search } = understand('since:2h until:1h app:curl', NOW)
  const hour = 3_600_000
  expect(periodOf(search)).toEqual({ since: NOW - 2 * hour, until: NOW - hour })
  expect(periodOf(search, { from: NOW - 1.5 * hour, to: NOW })).toEqual({
    since: NOW - 1.5 * hour,
    until: NOW - hour,
  })
  expect(periodOf({ terms: [] })).toEqual({ since: 0 })
})

test('a suggested value is written so that it finds itself, whatever it holds', () => {
  for (const name of ['a b', '-x', '*', 'say "hi"', 'back\\slash', 'a,b', '=1']) {
    const odd = aConnection({ name })
    const { search, error } = understand(`name:${quoted(name)}`, NOW)
    expect([error, matches(search, odd, false), matches(search, curl, false)]).toEqual([
      undefined,
      true,
      false,
    ])
  }
})
