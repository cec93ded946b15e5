import { expect, test } from 'vitest'
import { aConnection } from './a-connection.ts'
import { formatQuery, matches, parseQuery, suggest } from './query.ts'

const curl = aConnection({ peer: '203.0.113.9', peerPort: 443, owner: 'curl' })
const sshd = aConnection({
  peer: '2001:db8::7',
  localPort: 22,
  peerPort: 50_000,
  owner: 'sshd',
  direction: 'inbound',
})
const blocked = aConnection({ peer: '198.51.100.7', verdict: 'blocked' })
const all = [curl, sshd, blocked]

test.each([
  ['', [curl, sshd, blocked]],
  ['curl', [curl]],
  ['app:curl', [curl]],
  ['-app:curl', [sshd, blocked]],
  ['port:22', [sshd]],
  ['port:400-500 -is:blocked', [curl]],
  ['dst:203.0.113.', [curl]],
  ['peer:203.0.*', [curl]],
  ['peer:2001:db8::7', [sshd]],
  ['is:blocked', [blocked]],
  ['is:inbound', [sshd]],
  ['is:unknown', [blocked]],
  ['proto:udp', []],
  ['APP:CURL', [curl]],
  ['nonsense:here', []],
])('the search %j finds what it names', (query, found) => {
  const terms = parseQuery(query)
  expect(all.filter((connection) => matches(terms, connection, false))).toEqual(found)
})

test('a search is read back as it is written', () => {
  const query = '-port:53 app:"two words" plain'
  expect(formatQuery(parseQuery(query))).toBe(query)
})

test('suggests keys and live values, with how many have them', () => {
  expect(suggest('cur', all)).toEqual([{ term: { key: 'app', value: 'curl', isNot: false }, count: 1 }])
  expect(suggest('-is:', all)[0]).toMatchObject({ term: { key: 'is', isNot: true }, count: 2 })
  expect(suggest('por', all)).toEqual([{ term: { key: 'port', value: '', isNot: false }, count: undefined }])
})
