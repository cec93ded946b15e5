import { expect, test } from 'vitest'
import type { SocketBytes } from '#kernel/bpf/byte-counters.ts'
import { ProgramBytesBook } from './program-bytes.ts'

const NONE: SocketBytes = {
  sentBytes: 0,
  sentPackets: 0,
  receivedBytes: 0,
  receivedPackets: 0,
  netns: 1,
  localPort: 1,
  protocol: 6,
}

/** Counters as a kernel has them. */
function scene(room = 100) {
  const sockets = new Map<bigint, SocketBytes>()
  const programs = new Map<bigint, string>()
  const held = new Map<bigint, string>()
  const searched: bigint[][] = []
  let overflow = NONE
  const book = new ProgramBytesBook(
    {
      source: 'packets',
      counters: {
        room,
        cookies: () => [...sockets.keys()],
        of: (cookie) => sockets.get(cookie),
        take(cookie) {
          const bytes = sockets.get(cookie)
          sockets.delete(cookie)
          return bytes
        },
        overflow: () => overflow,
        close: () => sockets.clear(),
      },
      programOf: (cookie) => programs.get(cookie),
      search(sockets) {
        searched.push([...sockets.keys()])
        return held
      },
    },
    0,
  )
  const send = (cookie: bigint, sentBytes: number): void => {
    const before = sockets.get(cookie) ?? NONE
    sockets.set(cookie, {
      ...before,
      sentBytes: before.sentBytes + sentBytes,
      sentPackets: before.sentPackets + 1,
    })
  }
  const lose = (receivedBytes: number): void => {
    overflow = { ...overflow, receivedBytes, receivedPackets: 1 }
  }
  const sent = (now: number): Record<string, number> =>
    Object.fromEntries(
      book
        .report(now)
        .programs.map(({ program, sentBytes, receivedBytes }) => [program, sentBytes + receivedBytes]),
    )
  return { book, sockets, programs, held, searched, send, lose, sent }
}

test('bytes of all sockets of a program are its bytes, with their rate', () => {
  const { book, programs, send } = scene()
  programs.set(1n, '/bin/a').set(2n, '/bin/a').set(3n, '/bin/b')
  send(1n, 100)
  send(2n, 50)
  send(3n, 7)
  book.read(1_000)
  send(1n, 1_000)
  book.read(3_000)
  expect(book.report(3_000)).toMatchObject({
    seconds: 3,
    programs: [
      { program: '/bin/a', sentBytes: 1_150, sentPackets: 3, sendRate: 500, receiveRate: 0 },
      { program: '/bin/b', sentBytes: 7, sentPackets: 1, sendRate: 0 },
    ],
  })
})

test('a socket that was silent gives its counters back, and nothing is lost nor counted twice', () => {
  const { book, sockets, programs, send, sent } = scene()
  programs.set(1n, '/bin/a')
  send(1n, 100)
  book.read(0)
  book.read(60_000)
  expect(sockets.size).toBe(1)
  book.read(60_001)
  expect(sockets.size).toBe(0)
  send(1n, 5)
  book.read(61_000)
  expect(sent(61_000)).toEqual({ '/bin/a': 105 })
})

test('when room is short, counters are given back sooner', () => {
  const { book, sockets, send } = scene(3)
  send(1n, 1)
  send(2n, 1)
  book.read(0)
  book.read(5_001)
  expect(sockets.size).toBe(0)
})

test('who is found late gets all, also from before; who is never found is nobody', () => {
  const { book, held, searched, send, sent } = scene()
  send(1n, 100)
  send(2n, 10)
  book.read(0)
  expect(sent(0)).toEqual({ '': 110 })
  held.set(1n, '/bin/late')
  send(1n, 1)
  book.read(1_000)
  expect(sent(1_000)).toEqual({ '': 111 })
  book.read(5_000)
  expect(sent(5_000)).toEqual({ '/bin/late': 101, '': 10 })
  expect(searched).toEqual([
    [1n, 2n],
    [1n, 2n],
  ])
  book.read(70_000)
  expect(sent(70_000)).toEqual({ '/bin/late': 101, '': 10 })
})

test('what found no room in the kernel is of nobody', () => {
  const { book, lose, sent } = scene()
  lose(400)
  book.read(0)
  book.read(1)
  expect(sent(1)).toEqual({ '': 400 })
})

test('programs beyond the bound count together', () => {
  const { book, programs, send } = scene(10_000)
  for (let at = 0; at < 5_000; at++) {
    programs.set(BigInt(at), `/bin/${at}`)
    send(BigInt(at), 1)
  }
  book.read(0)
  const { programs: all } = book.report(0)
  expect(all).toHaveLength(4_097)
  expect(all[0]).toMatchObject({ program: '*', sentBytes: 904 })
})

test('what is taken is what came since the last time; what has no program yet comes later, or at the end', () => {
  const { book, programs, send } = scene()
  const taken = (now: number, end: 'later' | 'end' = 'later'): unknown => {
    book.read(now)
    const { seconds, programs: all } = book.take(now, end)
    return [seconds, Object.fromEntries(all.map(({ program, sentBytes }) => [program, sentBytes]))]
  }
  programs.set(1n, '/bin/a')
  send(1n, 100)
  send(2n, 50)
  expect(taken(1_000)).toEqual([1, { '/bin/a': 100 }])
  send(1n, 11)
  expect(taken(3_000)).toEqual([2, { '/bin/a': 11 }])
  expect(taken(4_000)).toEqual([1, {}])
  programs.set(2n, '/bin/b')
  send(3n, 9)
  expect(taken(5_000)).toEqual([1, { '/bin/b': 50 }])
  expect(taken(6_000, 'end')).toEqual([1, { '': 9 }])
})
