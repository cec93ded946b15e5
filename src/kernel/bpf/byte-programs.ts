import { Assembler } from './assembler.ts'
import { HELPER } from './bpf.ts'
import type { Btf } from './btf.ts'
import type { KernelOffsets } from './watch-programs.ts'

/** What is kept of a socket: four counters, what it is, and how far its stream of TCP was taken, with the cookie that this is of. */
export const COUNTED = {
  keyBytes: 8,
  valueBytes: 56,
  sentBytes: 0,
  sentPackets: 8,
  receivedBytes: 16,
  receivedPackets: 24,
  netns: 32,
  localPort: 36,
  protocol: 40,
  takenTo: 44,
  takenBy: 48,
} as const

/** A socket's own place in `slots`: its cookie, then the value. Cookie 0: the place is free. */
export const SLOT = { bytes: 8 + COUNTED.valueBytes, cookie: 0, value: 8 } as const

export interface ByteMaps {
  /** Array: the place of a socket is its cookie modulo the length, a power of two. */
  readonly slots: number
  readonly slotCount: number
  /** Hash by cookie: sockets whose place is another's. */
  readonly sockets: number
  /** Array of one value: what found no room in `sockets`. */
  readonly overflow: number
}

export interface TakenMaps extends ByteMaps {
  /** Hash by cookie: how much had been taken out of sockets that were there before us. */
  readonly before: number
}

const KEY = -COUNTED.keyBytes
const VALUE = KEY - COUNTED.valueBytes
const INDEX = VALUE - 8
const HEAD_ROOM = 128
const HEAD = INDEX - HEAD_ROOM
const TAKEN_TO = HEAD - 8
const TAKEN = TAKEN_TO - 8
const NUMBER = TAKEN - 8
/** struct __sk_buff and struct bpf_sock (linux/bpf.h). */
const PACKET = { length: 0, socket: 168 } as const
const SOCKET = { protocol: 12, localPort: 44 } as const
/** Of a message: struct sock, what the call answered, its flags (sock_send_length, sock_recv_length). */
const MESSAGE = { socket: 0, answer: 8, flags: 16 } as const
const [AF_INET, AF_INET6, TCP] = [2, 10, 6] as const
/** States in which the other end has finished: close, close wait, last ACK, closing (net/tcp_states.h). */
const FINISHED = [7, 8, 9, 11] as const
/** MSG_PEEK leaves the bytes where they are, MSG_ERRQUEUE brings back our own. */
const NOT_TAKEN = 0x2 | 0x2000
/** An error is negative. */
const LARGEST_ANSWER = 0x7fffffff
/** BPF_NOEXIST: never over what another CPU has begun. */
const ONLY_NEW = 1
const [CONTEXT, COOKIE, LENGTH, PLACE] = [6, 7, 8, 9] as const

export type Direction = 'sent' | 'received'

/** Writes what the socket is to PLACE, a map's memory or the stack, and jumps to `then`. */
type Describe = (a: Assembler, offsets: KernelOffsets, then: string) => void

/** Counts each packet of each socket, from its IP header on, and lets all pass. */
export function packetProgram(direction: Direction, offsets: KernelOffsets, maps: ByteMaps): Uint8Array {
  const a = new Assembler().move(CONTEXT, 1).call(HELPER.socketCookie)
  a.jumpIf(0, '==', 0, 'end').move(COOKIE, 0).load(4, LENGTH, CONTEXT, PACKET.length)
  count(a, { direction, offsets, maps, describe: describePacket })
  return a.label('end').set(0, 1).exit().assemble()
}

export type TcpOffsets = ReturnType<typeof tcpOffsets>

/** Throws BtfError when this kernel lacks one of them. */
export const tcpOffsets = (btf: Btf) => ({
  taken: btf.offset('tcp_sock', 'copied_seq'),
  arrived: btf.offset('tcp_sock', 'rcv_nxt'),
  measured: btf.offset('tcp_sock', 'rcvq_space.seq'),
  received: btf.offset('tcp_sock', 'bytes_received'),
})

export interface MessageOptions {
  /** What is taken out of TCP sockets is not counted: `takenProgram` does. */
  readonly isWithoutTcp: boolean
}

/**
 * Counts what each call of a program hands to an IP socket or takes from it: a connect() does neither, and costs nothing.
 * Loads are plain: the verifier knows the types.
 */
export function messageProgram(
  direction: Direction,
  offsets: KernelOffsets,
  maps: ByteMaps,
  { isWithoutTcp }: MessageOptions,
): Uint8Array {
  const a = new Assembler().load(8, LENGTH, 1, MESSAGE.answer)
  a.jumpIf(LENGTH, '==', 0, 'end').jumpIf(LENGTH, '>', LARGEST_ANSWER, 'end')
  if (direction === 'received') a.load(8, 2, 1, MESSAGE.flags).and(2, NOT_TAKEN).jumpIf(2, '!=', 0, 'end')
  a.load(8, CONTEXT, 1, MESSAGE.socket).load(2, 1, CONTEXT, offsets.socket.family)
  a.jumpIf(1, '==', AF_INET, 'ip').jumpIf(1, '!=', AF_INET6, 'end').label('ip')
  if (isWithoutTcp) a.load(2, 1, CONTEXT, offsets.socket.protocol).jumpIf(1, '==', TCP, 'end')
  a.move(1, CONTEXT).call(HELPER.socketCookie).jumpIf(0, '==', 0, 'end').move(COOKIE, 0)
  count(a, { direction, offsets, maps, describe: describeSocket })
  return a.label('end').set(0, 0).exit().assemble()
}

/**
 * Counts how far the stream of a TCP socket was taken out of it, in whatever way: recv(2), splice(2), a zero-copy read, the
 * kernel's own TLS. Runs at tcp_rcv_space_adjust, where the kernel looks how much was taken since it measured last: so much is
 * counted of a socket that is new, and of one that is known what came since it was seen here, which is never more.
 */
export function takenProgram(offsets: KernelOffsets, tcp: TcpOffsets, maps: TakenMaps): Uint8Array {
  const a = new Assembler().load(8, CONTEXT, 1, MESSAGE.socket)
  a.move(1, CONTEXT).call(HELPER.tcpSocket).jumpIf(0, '==', 0, 'end')
  // All that was taken so far: what came less what waits.
  a.load(4, 1, 0, tcp.arrived).load(4, 2, 0, tcp.taken)
  subtract(a, 1, 2)
  a.load(8, 3, 0, tcp.received).subtractRegister(3, 1).store(8, 10, TAKEN, 3)
  a.load(4, 1, 0, tcp.taken).load(4, 2, 0, tcp.arrived).jumpIfRegister(1, '!=', 2, 'data')
  // The end takes a number as a byte does (RFC 9293 §3.4): splice takes it out, recv does so after this.
  a.load(1, 3, CONTEXT, offsets.socket.state)
  for (const state of FINISHED) a.jumpIf(3, '==', state, 'finished')
  a.jump('data').label('finished').add(1, -1).label('data')
  a.store(4, 10, TAKEN_TO, 1).load(4, 2, 0, tcp.measured)
  subtract(a, 1, 2)
  a.move(LENGTH, 1).jumpIf(LENGTH, '==', 0, 'end').jumpIf(LENGTH, '>', LARGEST_ANSWER, 'end')
  a.move(1, CONTEXT).call(HELPER.socketCookie).jumpIf(0, '==', 0, 'end').move(COOKIE, 0)
  count(a, {
    direction: 'received',
    offsets,
    maps,
    describe: describeSocket,
    correct: (then) => onlyNew(then, maps),
  })
  return a.label('end').set(0, 0).exit().assemble()
}

/** Of what was taken since the kernel measured, what was not counted at PLACE before. */
function onlyNew(a: Assembler, { before }: TakenMaps): void {
  a.load(4, 1, 10, TAKEN_TO).load(4, 2, PLACE, COUNTED.takenTo).load(8, 3, PLACE, COUNTED.takenBy)
  a.store(4, PLACE, COUNTED.takenTo, 1).store(8, PLACE, COUNTED.takenBy, COOKIE)
  a.jumpIfRegister(3, '!=', COOKIE, 'first')
  subtract(a, 1, 2)
  a.jump('less').label('first').store(8, 10, KEY, COOKIE)
  a.setMap(1, before).move(2, 10).add(2, KEY).call(HELPER.mapLookUp).jumpIf(0, '==', 0, 'count')
  a.load(8, 2, 0, 0).load(8, 1, 10, TAKEN).subtractRegister(1, 2)
  a.label('less').jumpIfRegister(1, '>=', LENGTH, 'count').move(LENGTH, 1)
  a.label('count').jumpIf(LENGTH, '==', 0, 'end')
}

/** Numbers of TCP are of 32 bits and begin anew. */
const subtract = (a: Assembler, from: 1, number: 2): Assembler =>
  a.subtractRegister(from, number).store(4, 10, NUMBER, from).load(4, from, 10, NUMBER)

/**
 * An index into an array and two additions: the kernel numbers cookies one after the other, so that sockets of a time
 * rarely want one place. To make an entry of a hash map for each socket would cost three times as much.
 */
function count(
  a: Assembler,
  parts: {
    readonly direction: Direction
    readonly offsets: KernelOffsets
    readonly maps: ByteMaps
    readonly describe: Describe
    /** Before it is added to PLACE. */
    readonly correct?: (a: Assembler) => void
  },
): void {
  const { direction, offsets, maps, describe, correct } = parts
  const at = direction === 'sent' ? COUNTED.sentBytes : COUNTED.receivedBytes
  findSlot(a, maps)
  a.move(PLACE, 0).add(PLACE, SLOT.value)
  describe(a, offsets, 'add')
  a.label('mine').move(PLACE, 0).add(PLACE, SLOT.value).jump('add')
  findElsewhere(a, maps, (then) => describe(a, offsets, then))
  a.label('add')
  correct?.(a)
  a.addAtomically(PLACE, at, LENGTH)
    .set(1, 1)
    .addAtomically(PLACE, at + 8, 1)
}

/** Goes on with a free place that is now the socket's in r0; `mine`: it was before; `elsewhere`: it is another's. */
function findSlot(a: Assembler, maps: ByteMaps): void {
  a.move(1, COOKIE)
    .and(1, maps.slotCount - 1)
    .store(4, 10, INDEX, 1)
  a.setMap(1, maps.slots).move(2, 10).add(2, INDEX).call(HELPER.mapLookUp).jumpIf(0, '==', 0, 'end')
  a.load(8, 1, 0, SLOT.cookie).jumpIfRegister(1, '==', COOKIE, 'mine').jumpIf(1, '!=', 0, 'elsewhere')
  a.move(PLACE, 0).set(0, 0).compareExchange(PLACE, SLOT.cookie, COOKIE)
  // Another CPU may have been faster, for this socket or for another.
  a.move(1, 0).move(0, PLACE).jumpIfRegister(1, '==', COOKIE, 'mine').jumpIf(1, '!=', 0, 'elsewhere')
}

function describeSocket(a: Assembler, { socket, netns }: KernelOffsets, then: string): void {
  a.load(2, 1, CONTEXT, socket.localNumber).store(4, PLACE, COUNTED.localPort, 1)
  a.load(2, 1, CONTEXT, socket.protocol).store(4, PLACE, COUNTED.protocol, 1)
  a.load(8, 1, CONTEXT, socket.netns).load(4, 1, 1, netns.number).store(4, PLACE, COUNTED.netns, 1).jump(then)
}

function describePacket(a: Assembler, { socket, netns }: KernelOffsets, then: string): void {
  const unknown = `unknown-${a.length}`
  a.load(8, 1, CONTEXT, PACKET.socket).jumpIf(1, '==', 0, unknown)
  a.load(4, 2, 1, SOCKET.localPort).store(4, PLACE, COUNTED.localPort, 2)
  a.move(3, 1)
    .set(2, socket.netns + 8)
    .move(1, 10)
    .add(1, HEAD)
    .call(HELPER.probeReadKernel)
  a.load(8, 3, 10, HEAD + socket.netns).add(3, netns.number)
  a.set(2, 4).move(1, 10).add(1, HEAD).call(HELPER.probeReadKernel)
  a.load(4, 1, 10, HEAD).store(4, PLACE, COUNTED.netns, 1)
  a.load(8, 1, CONTEXT, PACKET.socket).jumpIf(1, '==', 0, unknown)
  a.call(HELPER.fullSocket).jumpIf(0, '==', 0, unknown)
  a.load(4, 1, 0, SOCKET.protocol).store(4, PLACE, COUNTED.protocol, 1).label(unknown).jump(then)
}

/** PLACE is the socket's entry of the hash map, made if it must be; without room that of all such sockets. */
function findElsewhere(a: Assembler, maps: ByteMaps, describe: (then: string) => void): void {
  const find = (): void => void a.setMap(1, maps.sockets).move(2, 10).add(2, KEY).call(HELPER.mapLookUp)
  a.label('elsewhere').store(8, 10, KEY, COOKIE)
  find()
  a.jumpIf(0, '!=', 0, 'found')
  for (let zero = 0; zero < COUNTED.valueBytes; zero += 8) a.storeNumber(8, 10, VALUE + zero, 0)
  a.move(PLACE, 10).add(PLACE, VALUE)
  describe('enter')
  a.label('enter').setMap(1, maps.sockets).move(2, 10).add(2, KEY).move(3, 10).add(3, VALUE).set(4, ONLY_NEW)
  a.call(HELPER.mapUpdate)
  find()
  a.jumpIf(0, '!=', 0, 'found')
  a.storeNumber(4, 10, INDEX, 0).setMap(1, maps.overflow).move(2, 10).add(2, INDEX).call(HELPER.mapLookUp)
  a.jumpIf(0, '==', 0, 'end').label('found').move(PLACE, 0)
}
