import { expect, test } from 'vitest'
import { aConnection } from '../connections/a-connection.ts'
import { isChip, joined, matches, piecesOf, quoted, understand } from './pieces.ts'
import { suggest, written } from './suggest.ts'

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
