import { beforeEach, expect, test } from 'vitest'
import { Pingers } from './pingers.ts'
import type { KnownProcess } from './process-book.ts'

const ICMP = 1
const ICMPV6 = 58
const aProcess = (): KnownProcess => ({ hasEnded: false, cgroup: 0, details: {} as KnownProcess['details'] })
const to = (peerAddress: string, protocol = ICMP) => ({ peerAddress, protocol })

let pingers: Pingers

beforeEach(() => {
  pingers = new Pingers()
})

test('of two that ping at once, each is found by its peer', () => {
  const [one, other] = [aProcess(), aProcess()]
  for (const [process, peer] of [
    [one, '192.0.2.1'],
    [other, '192.0.2.2'],
  ] as const) {
    pingers.opened(process, ICMP, 0)
    pingers.connected(process, peer)
  }
  expect(pingers.find(to('192.0.2.1'), 1)).toEqual({ process: one, isGuess: false })
  expect(pingers.find(to('192.0.2.2'), 1)).toEqual({ process: other, isGuess: false })
  expect(pingers.find(to('192.0.2.3'), 1)).toBeUndefined()
})

test('one whose peer is not known is it, and a guess where there are several', () => {
  const [one, other] = [aProcess(), aProcess()]
  pingers.opened(one, ICMP, 0)
  expect(pingers.find(to('192.0.2.1'), 1)).toEqual({ process: one, isGuess: false })
  pingers.opened(other, ICMP, 1)
  expect(pingers.find(to('192.0.2.1'), 2)).toEqual({ process: other, isGuess: true })
})

test('the other version of IP is another protocol', () => {
  pingers.opened(aProcess(), ICMP, 0)
  expect(pingers.find(to('2001:db8::1', ICMPV6), 1)).toBeUndefined()
})

test('one that has ended is remembered for a minute', () => {
  const process = aProcess()
  pingers.opened(process, ICMP, 0)
  process.hasEnded = true
  expect(pingers.find(to('192.0.2.1'), 59_000)?.process).toBe(process)
  expect(pingers.find(to('192.0.2.1'), 60_000)).toBeUndefined()
})

test('no more than 256 are kept, the newest', () => {
  const first = aProcess()
  pingers.opened(first, ICMP, 0)
  for (let more = 0; more < 256; more++) pingers.opened(aProcess(), ICMPV6, 0)
  expect(pingers.has(first)).toBe(false)
})
