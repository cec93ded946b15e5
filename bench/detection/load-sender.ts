/** Hot: runs per packet. Allocates nothing per packet. */
import koffi from 'koffi'
import { addressOf } from '#kernel/libc.ts'
import { openRawLink } from '../../test/support/raw-link.ts'

/**
 * LINK HEX RATE SECONDS [forge]: sends a frame so many times a second (0: as often as it can), 64 with each system call
 * (sendmmsg(2)). `forge` gives every packet another source address and port; IPv4 and TCP, checksums kept right.
 * Says how many it sent, and in how many seconds.
 */
const BATCH = 64
/** struct mmsghdr, struct iovec (64-bit). */
const [MESSAGE_BYTES, PART_BYTES, PARTS_AT, PART_COUNT_AT] = [64, 16, 16, 24]
const [SOURCE_AT, IP_CHECKSUM_AT, PORT_AT, TCP_CHECKSUM_AT] = [26, 24, 34, 50]
const MOST_BEHIND = 4_096
const AS_MANY_AS_IT_CAN = 1e9

const [name, hex = '', rate = '', seconds = '', forge] = process.argv.slice(2)
const sendMany = koffi
  .load('libc.so.6')
  .func('int sendmmsg(int fd, void *messages, unsigned int count, int flags)')
const fd = openRawLink(name)
const frame = Buffer.from(hex, 'hex')
/** Messages, then parts, then frames, in one: what only an address leads to is freed when it is nowhere else in use. */
const memory = new Uint8Array(BATCH * (MESSAGE_BYTES + PART_BYTES + frame.length))
const view = new DataView(memory.buffer)
const [FIRST_PART, FIRST_FRAME] = [BATCH * MESSAGE_BYTES, BATCH * (MESSAGE_BYTES + PART_BYTES)]
const start = addressOf(memory)
for (let n = 0; n < BATCH; n++) {
  const [message, part, at] = [n * MESSAGE_BYTES, FIRST_PART + n * PART_BYTES, FIRST_FRAME + n * frame.length]
  memory.set(frame, at)
  view.setBigUint64(part, start + BigInt(at), true)
  view.setBigUint64(part + 8, BigInt(frame.length), true)
  view.setBigUint64(message + PARTS_AT, start + BigInt(part), true)
  view.setBigUint64(message + PART_COUNT_AT, 1n, true)
}

/** xorshift: each address comes once in four thousand million. */
let state = 0x9e3779b9

/** Addresses of 1.0.0.0 to 126.255.255.255 that are nobody's here: 10.0.0.0/8 is left out. */
function forgeSource(at: number): void {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  const first = 11 + (((state >>> 24) * 115) >>> 8)
  const [high, low, port] = [(first << 8) | ((state >>> 16) & 0xff), state & 0xffff, 1_024 + (state & 0x7fff)]
  const was = view.getUint16(at + SOURCE_AT) + view.getUint16(at + SOURCE_AT + 2)
  const wasPort = view.getUint16(at + PORT_AT)
  view.setUint16(at + SOURCE_AT, high)
  view.setUint16(at + SOURCE_AT + 2, low)
  view.setUint16(at + PORT_AT, port)
  adjust(at + IP_CHECKSUM_AT, high + low, was)
  adjust(at + TCP_CHECKSUM_AT, high + low + port, was + wasPort)
}

/** RFC 1624, equation 3. */
function adjust(at: number, added: number, removed: number): void {
  let sum = (~view.getUint16(at) & 0xffff) + added + 3 * 0xffff - removed
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  view.setUint16(at, ~sum & 0xffff)
}

function sendBatch(count: number): number {
  if (forge !== undefined) for (let n = 0; n < count; n++) forgeSource(FIRST_FRAME + n * frame.length)
  return Math.max(0, sendMany(fd, memory, count, 0) as number)
}

const still = new Int32Array(new SharedArrayBuffer(4))
const perSecond = Number(rate) || AS_MANY_AS_IT_CAN
const startedAt = performance.now()
let sent = 0
/** Where it would be; what it could not send in time is not made up for in one burst. */
let due = 0
let lastAt = startedAt
let elapsedMs = 0
while (elapsedMs < Number(seconds) * 1_000) {
  const now = performance.now()
  due = Math.min(due + ((now - lastAt) * perSecond) / 1_000, sent + MOST_BEHIND)
  lastAt = now
  elapsedMs = now - startedAt
  if (due - sent >= 1) sent += sendBatch(Math.min(BATCH, Math.floor(due - sent)))
  else Atomics.wait(still, 0, 0, 0.2)
}
process.stdout.write(`${sent} packets in ${(elapsedMs / 1_000).toFixed(2)} s\n`)
