import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseSocketTarget } from './proc-fds.ts'
import { appendMessage } from './sock-diag.ts'
import { SOCKET_STATE, SocketTable, type SocketWords } from './socket-table.ts'

const TCP = 6
const UDP = 17
const MAPPED = (word: number): number[] => [0, 0, 0xffff, word]
const A = 0xc0000201
const B = 0xc6336407

interface Row {
  readonly family?: 2 | 10
  readonly protocol?: number
  readonly state?: number
  readonly local?: readonly number[]
  readonly localPort: number
  readonly peer?: readonly number[]
  readonly peerPort?: number
  readonly inode: number
  readonly onlyIpv6?: boolean
}

/** One inet_diag_msg as the kernel sends it (linux/inet_diag.h), with INET_DIAG_SHUTDOWN before INET_DIAG_SKV6ONLY. */
function message(row: Row): DataView {
  const view = new DataView(new ArrayBuffer(88))
  view.setUint8(0, row.family ?? 2)
  view.setUint8(1, row.state ?? SOCKET_STATE.established)
  view.setUint16(4, row.localPort)
  view.setUint16(6, row.peerPort ?? 0)
  for (let word = 0; word < 4; word++) {
    view.setUint32(8 + word * 4, row.local?.[word] ?? 0)
    view.setUint32(24 + word * 4, row.peer?.[word] ?? 0)
  }
  view.setUint32(44, row.inode + 1, true)
  view.setUint32(64, 1000, true)
  view.setUint32(68, row.inode, true)
  view.setUint16(72, 5, true)
  view.setUint16(74, 8, true)
  view.setUint16(80, 5, true)
  view.setUint16(82, 11, true)
  view.setUint8(84, row.onlyIpv6 ? 1 : 0)
  return view
}

function tableOf(...rows: Row[]): SocketTable {
  const table = new SocketTable()
  for (const row of rows) appendMessage(table, message(row), 0, 88, row.protocol ?? TCP)
  table.index()
  return table
}

const key = (
  about: Omit<Partial<SocketWords>, 'local' | 'peer'> & { local?: number[]; peer?: number[] },
): SocketWords => ({
  protocol: TCP,
  version: 4,
  localPort: 80,
  peerPort: 40_000,
  ...about,
  local: Uint32Array.from(about.local ?? [A, 0, 0, 0]),
  peer: Uint32Array.from(about.peer ?? [B, 0, 0, 0]),
})

const inodeFor = (table: SocketTable, words: SocketWords): number | undefined => {
  const row = table.find(words)
  return row === undefined ? undefined : table.inode[row]
}

const listener: Row = { state: SOCKET_STATE.listen, localPort: 80, inode: 1 }
const connected: Row = { local: [A], localPort: 80, peer: [B], peerPort: 40_000, inode: 2 }

describe('find', () => {
  test('the connected socket comes before the listening one', () => {
    expect(inodeFor(tableOf(connected, listener), key({}))).toBe(2)
    expect(inodeFor(tableOf(listener, connected), key({}))).toBe(2)
  })

  test('another peer is for the listening socket', () => {
    expect(inodeFor(tableOf(listener, connected), key({ peerPort: 40_001 }))).toBe(1)
  })

  test('a socket bound to the address comes before one bound to any', () => {
    const bound: Row = { ...listener, local: [A], inode: 3 }
    expect(inodeFor(tableOf(listener, bound), key({}))).toBe(3)
    expect(inodeFor(tableOf(listener, bound), key({ local: [B, 0, 0, 0] }))).toBe(1)
  })

  test('an IPv6 socket bound to any takes IPv4, unless it says IPv6 only', () => {
    const dual: Row = { ...listener, family: 10, inode: 4 }
    expect(inodeFor(tableOf(dual), key({}))).toBe(4)
    expect(inodeFor(tableOf({ ...dual, onlyIpv6: true }), key({}))).toBeUndefined()
    expect(inodeFor(tableOf(dual, listener), key({}))).toBe(1)
    expect(inodeFor(tableOf(listener, dual), key({}))).toBe(1)
  })

  test('an IPv6 socket that talks IPv4 is found as IPv4', () => {
    const mapped: Row = { ...connected, family: 10, local: MAPPED(A), peer: MAPPED(B), inode: 5 }
    expect(inodeFor(tableOf(mapped), key({}))).toBe(5)
  })

  test('IPv6 addresses are told apart in every word', () => {
    const six: Row = { ...connected, family: 10, local: [1, 2, 3, 4], peer: [5, 6, 7, 8], inode: 6 }
    const at = (peer: number[]): number | undefined =>
      inodeFor(tableOf(six), key({ version: 6, local: [1, 2, 3, 4], peer }))
    expect([at([5, 6, 7, 8]), at([5, 6, 7, 9]), at([5, 0, 7, 8])]).toEqual([6, undefined, undefined])
  })

  test('protocols do not mix', () => {
    expect(inodeFor(tableOf(listener), key({ protocol: UDP }))).toBeUndefined()
    expect(
      inodeFor(
        tableOf({ localPort: 53, protocol: UDP, state: SOCKET_STATE.close, inode: 7 }),
        key({ protocol: UDP, localPort: 53 }),
      ),
    ).toBe(7)
  })
})

test('a full table refuses further sockets and counts them', () => {
  const table = new SocketTable(2)
  for (let inode = 1; inode < 5; inode++)
    appendMessage(table, message({ localPort: inode, inode }), 0, 88, TCP)
  expect(table).toMatchObject({ count: 2, refused: 2 })
})

test('a table grows and keeps its rows', () => {
  const table = new SocketTable()
  for (let inode = 1; inode <= 10_000; inode++) {
    appendMessage(table, message({ local: [A], localPort: inode, peer: [B], peerPort: 9, inode }), 0, 88, TCP)
  }
  table.index()
  expect([1, 4_097, 10_000].map((port) => inodeFor(table, key({ localPort: port, peerPort: 9 })))).toEqual([
    1, 4_097, 10_000,
  ])
})

test('no message throws, whatever its bytes', () => {
  const table = new SocketTable(100)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 160 }), (bytes) => {
      appendMessage(table, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, TCP)
    }),
  )
})

test.each([
  ['socket:[12345]', 12345],
  ['socket:[4294967295]', 4294967295],
  ['socket:[]', undefined],
  ['socket:[1', undefined],
  ['socket:[1x]', undefined],
  ['pipe:[12345]', undefined],
  ['/tmp/socket:[1]', undefined],
  ['', undefined],
])('the link %j names socket %j', (text, inode) => {
  const target = new Uint8Array(32)
  target.set(new TextEncoder().encode(text))
  expect(parseSocketTarget(target, text.length)).toBe(inode)
})

test('rests of the link before are not read', () => {
  const target = new Uint8Array(32)
  target.set(new TextEncoder().encode('socket:[123456]'))
  expect(parseSocketTarget(target, 'socket:['.length)).toBeUndefined()
})
