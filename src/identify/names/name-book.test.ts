import { expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import type { NameReport } from '#model/name.ts'
import type { Owner } from '#model/owner.ts'
import { aConnection } from '../../../test/support/connections.ts'
import { createNameBook } from './name-book.ts'

const US = ip('192.0.2.1')
const SHARED = ip('203.0.113.9')
const isOurs = (address: string): boolean => address === US

const report = (about: Partial<NameReport>): NameReport => ({
  address: SHARED,
  name: 'a.example',
  source: 'dns',
  at: 900,
  client: US,
  ...about,
})

const owner = (pid: number): Owner => ({
  pid,
  path: '/usr/bin/x',
  name: 'x',
  commandLine: 'x',
  uid: 0,
  source: 'ebpf',
})

const question = (id: number, pid: number): Connection =>
  aConnection({ id, target: ip('10.0.0.53'), targetPort: 53, protocol: 17, owner: owner(pid) })

test('a connection is called as its address was asked for', () => {
  const book = createNameBook()
  expect(book.nameOf(aConnection())).toBeUndefined()
  book.learn([report({})], isOurs)
  expect(book.nameOf(aConnection())).toMatchObject({ name: 'a.example', nameSource: 'dns' })
})

test('of names that share an address a process has the one that it asked for', () => {
  const book = createNameBook()
  book.learn([report({ name: 'a.example', flow: 101 }), report({ name: 'b.example', flow: 102 })], isOurs)
  book.nameOf(question(101, 7))
  book.nameOf(question(102, 8))
  expect(book.nameOf(aConnection({ id: 1, owner: owner(7) }))?.name).toBe('a.example')
  expect(book.nameOf(aConnection({ id: 2, owner: owner(8) }))?.name).toBe('b.example')
})

test('the owner, once it is known, makes the name a better one', () => {
  const book = createNameBook()
  book.learn([report({ name: 'a.example', flow: 101 }), report({ name: 'b.example', flow: 102 })], isOurs)
  book.nameOf(question(101, 7))
  expect(book.nameOf(aConnection())?.name).toBe('b.example')
  expect(book.nameOf(aConnection({ owner: owner(7) }))?.name).toBe('a.example')
})

test('of forwarded connections each client has its own names', () => {
  const book = createNameBook()
  const [one, two] = [ip('10.0.0.1'), ip('10.0.0.2')]
  book.learn(
    [report({ client: one, name: 'one.example' }), report({ client: two, name: 'two.example' })],
    isOurs,
  )
  const through = (id: number, source: typeof one): Connection =>
    aConnection({ id, source, direction: 'forward' })
  expect(book.nameOf(through(1, one))?.name).toBe('one.example')
  expect(book.nameOf(through(2, two))?.name).toBe('two.example')
})

test('what the connection says of itself wins, whenever it comes', () => {
  const book = createNameBook()
  book.learn([report({})], isOurs)
  expect(book.nameOf(aConnection({ id: 5 }))?.name).toBe('a.example')
  book.learn([report({ name: 'said.example', source: 'tls', flow: 5 })], isOurs)
  expect(book.nameOf(aConnection({ id: 5 }))).toMatchObject({ name: 'said.example', nameSource: 'tls' })
  expect(book.nameOf(aConnection({ id: 6, openedAt: 2_000 }))?.name).toBe('said.example')
})

test('a name stays when another one for the address is asked for later', () => {
  const book = createNameBook()
  book.learn([report({})], isOurs)
  book.nameOf(aConnection())
  book.learn([report({ name: 'later.example', at: 950 })], isOurs)
  expect(book.nameOf(aConnection())?.name).toBe('a.example')
})

test('an answer that came after the connection is second to one that came before', () => {
  const book = createNameBook()
  book.learn([report({}), report({ name: 'later.example', at: 60_000 })], isOurs)
  expect(book.nameOf(aConnection())?.name).toBe('a.example')
})

test('what a stranger asks of us is our name, not the name of the stranger', () => {
  const book = createNameBook()
  book.learn([report({ address: US, name: 'us.example', source: 'tls', flow: 9, client: SHARED })], isOurs)
  const inbound = aConnection({ id: 9, direction: 'inbound', source: SHARED, target: US, peer: SHARED })
  expect(book.nameOf(inbound)).toBeUndefined()
})

test('an address has at most eight names, and the book forgets what was not met for long', () => {
  const book = createNameBook()
  book.learn(
    Array.from({ length: 100 }, (_, at) => report({ name: `n${at}.example`, flow: at + 1_000 })),
    isOurs,
  )
  book.nameOf(question(1_000, 7))
  expect(book.nameOf(aConnection({ owner: owner(7) }))?.name).toBe('n99.example')
  const others = Array.from({ length: 70_000 }, (_, at) =>
    report({ address: ip(`198.${at >> 16}.${(at >> 8) & 255}.${at & 255}`) }),
  )
  book.learn(others, isOurs)
  expect(book.nameOf(aConnection({ id: 77 }))).toBeUndefined()
})

test('what reverse DNS says counts only where nothing else names the peer, however new it is', () => {
  const book = createNameBook()
  const pointer = report({ name: 'host-9.isp.example', source: 'ptr', client: SHARED, at: 5_000 })
  book.learn([pointer], isOurs)
  expect(book.nameOf(aConnection())).toMatchObject({ name: 'host-9.isp.example', nameSource: 'ptr' })
  book.learn([report({ client: ip('192.0.2.77') }), pointer], isOurs)
  expect(book.nameOf(aConnection({ id: 2 }))).toMatchObject({ name: 'a.example', nameSource: 'dns' })
})
