import { expect, test } from 'vitest'
import type { Owner, SocketKey } from '#model/owner.ts'
import { keyText, OwnerCache } from './owner-cache.ts'
import { wordsOf } from './socket-finder.ts'
import { toSocketList } from './socket-list.ts'
import { startOwners } from './thread.ts'

const key: SocketKey = {
  protocol: 6,
  localAddress: '192.0.2.1',
  localPort: 80,
  peerAddress: '198.51.100.7',
  peerPort: 40_000,
}
const owner: Owner = { pid: 1, path: '/bin/x', name: 'x', commandLine: 'x', uid: 0, source: 'scan' }

test('a thread that dies is said, its keys are answered as unknown, and it is started again', async () => {
  const owners = startOwners({
    workerFile: new URL('data:text/javascript,throw new Error("no netlink here")'),
  })
  const answered = new Promise((resolve) => owners.onAnswer(resolve))
  owners.request([key, key])
  expect(await answered).toEqual([{ key }])
  expect(owners.health).toEqual({
    part: 'owners',
    state: 'degraded',
    reason: 'programs are not looked up for now: no netlink here',
    remedy: 'none needed: it is tried again in 0.5 s',
  })
  await expect(owners.listSockets()).rejects.toThrow('no netlink here')
  const again = new Promise((resolve) => owners.onAnswer(resolve))
  owners.request([key])
  expect(await again).toEqual([{ key }])
  expect(owners.health).toMatchObject({ remedy: 'none needed: it is tried again in 1 s' })
  await owners.stop()
})

test('the cache forgets who was not asked for longest', () => {
  const cache = new OwnerCache(2)
  cache.set('a', owner, 0)
  cache.set('b', owner, 0)
  cache.get('a')
  cache.set('c', owner, 0)
  expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.size]).toEqual([owner, undefined, owner, 2])
})

test('an old answer is let go when the same ports are asked for anew', () => {
  const cache = new OwnerCache(2)
  cache.set(keyText(key), owner, 0)
  cache.forgetOlder(keyText(key), 5_000, 4_000)
  expect(cache.get(keyText(key))).toBe(owner)
  cache.forgetOlder(keyText(key), 5_000, 6_000)
  expect(cache.get(keyText(key))).toBeUndefined()
})

test.each([
  ['ICMP', { ...key, protocol: 1 }],
  ['text that is no address', { ...key, peerAddress: 'example.com' }],
  ['two families', { ...key, peerAddress: '2001:db8::1' }],
])('%s has no socket', (_what, odd) => {
  expect(wordsOf(odd)).toBeUndefined()
})

test('an address becomes the words of the kernel', () => {
  expect(wordsOf({ ...key, localAddress: '2001:db8::1', peerAddress: 'fe80::7' })).toMatchObject({
    version: 6,
    local: Uint32Array.of(0x20010db8, 0, 0, 1),
    peer: Uint32Array.of(0xfe800000, 0, 0, 7),
  })
  expect(wordsOf(key)).toMatchObject({ version: 4, local: Uint32Array.of(0xc0000201, 0, 0, 0) })
})

test('a listed socket is read row by row', () => {
  const list = toSocketList({
    columns: {
      count: 2,
      protocol: Uint8Array.of(6, 17),
      version: Uint8Array.of(4, 6),
      state: Uint8Array.of(1, 7),
      onlyIpv6: Uint8Array.of(0, 0),
      localPort: Uint16Array.of(80, 53),
      peerPort: Uint16Array.of(40_000, 0),
      local: Uint32Array.of(0xc0000201, 0, 0, 0, 0, 0, 0, 1),
      peer: Uint32Array.of(0xc6336407, 0, 0, 0, 0, 0, 0, 0),
      inode: Uint32Array.of(11, 12),
      uid: Uint32Array.of(0, 33),
      cookie: Uint32Array.of(5, 1, 6, 0),
    },
    owners: [owner],
    ownerOf: Int32Array.of(0, -1),
  })
  expect(list.at(0)).toEqual({
    ...key,
    state: 'established',
    inode: 11,
    uid: 0,
    cookie: (1n << 32n) | 5n,
    owner,
  })
  expect(list.at(1)).toEqual({
    protocol: 17,
    localAddress: '::1',
    localPort: 53,
    peerAddress: '::',
    peerPort: 0,
    state: 'open',
    inode: 12,
    uid: 33,
    cookie: 6n,
  })
  expect(() => list.at(2)).toThrow('no row 2: there are 2')
})
