import fc from 'fast-check'
import { expect, test } from 'vitest'
import { endOfLog } from './bpf.ts'
import { parseCgroupMount } from './cgroup-root.ts'
import { AT, BYTES, cookieNumber, EventView, KIND } from './event.ts'

function eventOf(bytes: number, fill: (view: DataView) => void): EventView {
  const view = new DataView(new ArrayBuffer(bytes + 8))
  fill(new DataView(view.buffer, 8))
  const event = new EventView()
  expect(event.moveTo(view, 8, bytes)).toBe(true)
  return event
}

test('a connect event over IPv4', () => {
  const event = eventOf(BYTES.socket, (view) => {
    view.setUint8(AT.kind, KIND.connect)
    view.setUint8(AT.protocol, 6)
    view.setUint8(AT.version, 4)
    view.setBigUint64(AT.cookie, 0x1_0000_0002n, true)
    view.setUint32(AT.pid, 812, true)
    view.setBigUint64(AT.inode, (5n << 32n) | 7n, true)
    view.setBigUint64(AT.startedNs, 47_119_999_999n, true)
    view.setUint16(AT.peerPort, 443)
    view.setUint32(AT.localPort, 40_000, true)
    view.setUint32(AT.peerAddress, 0xc0000201)
    new Uint8Array(view.buffer, view.byteOffset).set(Buffer.from('curl'), AT.shortName)
  })
  expect(event).toMatchObject({
    kind: KIND.connect,
    protocol: 6,
    version: 4,
    cookie: 4_294_967_298,
    pid: 812,
    inode: 5 * 2 ** 32 + 7,
    startTicks: 4_711,
    peerPort: 443,
    localPort: 40_000,
    shortName: 'curl',
  })
  expect(event.peerWord(0) >>> 0).toBe(0xc0000201)
})

test('an IPv4 address within an IPv6 socket is IPv4', () => {
  const event = eventOf(BYTES.socket, (view) => {
    view.setUint8(AT.kind, KIND.state)
    view.setUint8(AT.version, 6)
    for (const at of [AT.localAddress, AT.peerAddress]) {
      view.setUint16(at + 10, 0xffff)
      view.setUint32(at + 12, 0x7f000001)
    }
  })
  expect([event.version, event.localWord(0), event.peerWord(0), event.peerWord(3)]).toEqual([
    4, 0x7f000001, 0x7f000001, 0,
  ])
})

test('texts end at their zero byte or their room, whatever bytes they are', () => {
  const event = eventOf(BYTES.exec, (view) => {
    view.setUint8(AT.kind, KIND.exec)
    const bytes = new Uint8Array(view.buffer, view.byteOffset)
    bytes.fill(0x61, AT.filename, AT.filename + BYTES.filename)
    bytes.set(Buffer.from('\u001b[31m'), AT.interpreter)
    bytes.set([0xff, 0xfe], AT.lastPart)
    bytes.set(Buffer.from('x\0\0y\0'), AT.arguments)
  })
  expect(event.filename).toBe('a'.repeat(256))
  expect(event.interpreter).toBe('\u001b[31m')
  expect(event.lastPart).toBe('\ufffd\ufffd')
  expect(event.arguments.toString()).toBe('x\0\0y')
})

test('a record that is too short for its kind is no event', () => {
  const event = new EventView()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: BYTES.exec + 8 }), (bytes) => {
      const isEvent = event.moveTo(new DataView(bytes.buffer), 0, bytes.length)
      const kind = bytes[0]
      const needed = kind === KIND.exec ? BYTES.exec : kind === KIND.exit ? BYTES.exit : BYTES.socket
      expect(isEvent).toBe(bytes.length >= needed)
    }),
  )
})

test('a cookie is one number, from wherever the kernel counts', () => {
  expect(cookieNumber(5n)).toBe(5)
  expect(cookieNumber(2n ** 64n - 3n)).toBe(-3)
  const event = eventOf(BYTES.socket, (view) => view.setBigUint64(AT.cookie, 2n ** 64n - 3n, true))
  expect(event.cookie).toBe(-3)
})

test('of a verifier log the last lines are told, without what a terminal would act on', () => {
  const log = Buffer.from(
    '0: (bf) r6 = r1\n\u001b[31mR1 type=scalar\ninvalid access\nprocessed 12 insns\n\0rest',
  )
  expect(endOfLog(log)).toBe('0: (bf) r6 = r1 | ?[31mR1 type=scalar | invalid access')
  expect(endOfLog(Buffer.alloc(5_000, 'x'))).toHaveLength(600)
  expect(endOfLog(Buffer.alloc(0))).toBe('')
})

test.each([
  ['30 1 0:26 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw', '/sys/fs/cgroup'],
  [
    '30 1 0:26 / /sys/fs/cgroup rw - tmpfs x rw\n31 1 0:27 / /my\\040groups rw - cgroup2 none rw',
    '/my groups',
  ],
  ['30 1 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu', undefined],
  ['', undefined],
])('control groups v2 of %j are at %s', (text, path) => {
  expect(parseCgroupMount(text)).toBe(path)
})
