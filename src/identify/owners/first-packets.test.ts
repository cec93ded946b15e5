import { beforeEach, describe, expect, test } from 'vitest'
import type { SocketWords } from '#kernel/socket-table.ts'
import { FirstPackets, type HeldPacket, parseLastPid, youngestFirst } from './first-packets.ts'
import type { ProcessDetails } from './process.ts'

/** Three processes, each with one socket; looking into the files of one takes `costMs`. */
const HOLDERS: Readonly<Record<number, number>> = { 10: 1_010, 20: 1_020, 30: 1_030 }
let looked: number[]
let forgotten: number[]
let now: number
let costMs: number
let packets: FirstPackets

const words = (localPort: number): SocketWords => ({
  protocol: 6,
  version: 4,
  local: Uint32Array.of(0x7f000001, 0, 0, 0),
  localPort,
  peer: Uint32Array.of(0x7f000002, 0, 0, 0),
  peerPort: 80,
})

const details = (pid: number): ProcessDetails => ({
  pid,
  parentPid: 1,
  startTicks: pid,
  startedAt: 0,
  uid: 0,
  executable: { state: 'there', path: `/bin/${pid}` },
  shortName: '',
  commandLine: '',
  argumentList: [],
  cgroups: '',
})

beforeEach(() => {
  looked = []
  forgotten = []
  now = 0
  costMs = 0.1
  packets = new FirstPackets({
    // The inode is the port; port 1 has no socket, port 2 one that nobody holds.
    diag: {
      find: ({ localPort }) =>
        localPort === 1 ? undefined : { inode: localPort, uid: 0, cookie: 1n, state: 2 },
    },
    fds: {
      pids: () => [10, 20, 30],
      holds(pid, inode) {
        looked.push(pid)
        now += costMs
        return HOLDERS[pid] === inode
      },
    },
    processes: { describe: details, forget: (pid) => void forgotten.push(pid) },
    lastPid: () => 20,
    clock: () => now,
    cpuMs: () => now,
    proc: '/nowhere',
  })
})

describe('who sent a first packet', () => {
  test('is told with socket and process', () => {
    expect(packets.look(words(1_010))).toEqual({
      key: '6 127.0.0.1 1010 127.0.0.2 80',
      inode: 1_010,
      details: details(10),
    })
  })

  test('is sought among the youngest first, beginning at the pid that was given last', () => {
    packets.look(words(1_030))
    expect(looked).toEqual([20, 10, 30])
  })

  test('is sought first among those who sent of late', () => {
    packets.look(words(1_030))
    looked = []
    packets.look(words(1_030))
    expect(looked).toEqual([30])
  })

  test('is unknown where no socket or no process is', () => {
    expect([packets.look(words(1)), packets.look(words(2))]).toEqual(['unknown', 'unknown'])
  })

  test('is unknown when looking takes too long', () => {
    costMs = 61
    expect(packets.look(words(1_030))).toBe('unknown')
    expect(looked).toEqual([20])
  })
})

describe('nobody looks', () => {
  test('behind 64 packets in line, until the line is empty', () => {
    costMs = 0
    for (let packet = 0; packet < 64; packet++) expect(packets.look(words(1_010))).not.toBe('passed')
    expect(packets.look(words(1_010))).toBe('passed')
    packets.lineIsEmpty()
    expect((packets.look(words(1_010)) as HeldPacket).details.pid).toBe(10)
  })

  test('when looking has taken its share of time, until time has passed', () => {
    costMs = 3
    let answer = packets.look(words(2))
    for (let packet = 0; packet < 500 && answer !== 'passed'; packet++) {
      packets.lineIsEmpty()
      answer = packets.look(words(2))
    }
    expect(answer).toBe('passed')
    // A rush of half a second, and half of the time that goes by meanwhile.
    expect(now).toBeGreaterThan(900)
    expect(now).toBeLessThan(1_100)
    now += 100
    packets.lineIsEmpty()
    expect(packets.look(words(1))).toBe('unknown')
  })
})

describe('pids', () => {
  test('are sorted by youth around the one that was given last', () => {
    expect(youngestFirst([1, 5, 9, 12], 9)).toEqual([9, 5, 1, 12])
    expect(youngestFirst([1, 5, 9], 30_000)).toEqual([9, 5, 1])
    expect(youngestFirst([5, 9], 2)).toEqual([9, 5])
  })

  test.each([
    ['0.20 0.18 0.12 1/80 11206\n', 11_206],
    ['', 0],
    ['a b c', 0],
  ])('the last one is read of /proc/loadavg', (text, pid) => {
    expect(parseLastPid(text)).toBe(pid)
  })
})
