import { Assembler } from './assembler.ts'
import { HELPER } from './bpf.ts'
import type { KernelOffsets } from './watch-programs.ts'

/** Key: socket cookie. Value: four counters, then what the socket is. */
export const COUNTED = {
  keyBytes: 8,
  valueBytes: 48,
  sentBytes: 0,
  sentPackets: 8,
  receivedBytes: 16,
  receivedPackets: 24,
  netns: 32,
  localPort: 36,
  protocol: 40,
} as const

export interface ByteMaps {
  readonly sockets: number
  /** Array of one value: what found no room in `sockets`. */
  readonly overflow: number
}

const KEY = -COUNTED.keyBytes
const VALUE = KEY - COUNTED.valueBytes
/** The start of struct sock, where all that sockets have in common is: see watch-programs. */
const HEAD_BYTES = 128
const HEAD = VALUE - HEAD_BYTES
/** struct __sk_buff and struct bpf_sock (linux/bpf.h). */
const PACKET = { length: 0, socket: 168 } as const
const SOCKET = { protocol: 12, localPort: 44 } as const
/** BPF_NOEXIST: never over what another CPU has begun. */
const ONLY_NEW = 1

/**
 * Counts each packet of each socket, from its IP header on, and lets all pass. Additions are atomic, on one value for all
 * CPUs: a socket is rarely on two at once, and to make a value for each CPU doubles what a connect() costs.
 */
export function byteProgram(
  direction: 'sent' | 'received',
  { socket, netns }: KernelOffsets,
  maps: ByteMaps,
): Uint8Array {
  const at = direction === 'sent' ? COUNTED.sentBytes : COUNTED.receivedBytes
  const a = new Assembler()
    .move(6, 1)
    .call(HELPER.socketCookie)
    .jumpIf(0, '==', 0, 'end')
    .store(8, 10, KEY, 0)
  a.load(4, 8, 6, PACKET.length)
  const find = (): void => void a.setMap(1, maps.sockets).move(2, 10).add(2, KEY).call(HELPER.mapLookUp)
  find()
  a.jumpIf(0, '!=', 0, 'add')
  for (let zero = 0; zero < COUNTED.valueBytes; zero += 8) a.storeNumber(8, 10, VALUE + zero, 0)
  a.store(8, 10, VALUE + at, 8).storeNumber(8, 10, VALUE + at + 8, 1)
  a.load(8, 9, 6, PACKET.socket).jumpIf(9, '==', 0, 'end')
  a.load(4, 1, 9, SOCKET.localPort).store(4, 10, VALUE + COUNTED.localPort, 1)
  a.move(3, 9).set(2, HEAD_BYTES).move(1, 10).add(1, HEAD).call(HELPER.probeReadKernel)
  a.load(8, 3, 10, HEAD + socket.netns)
    .add(3, netns.number)
    .set(2, 4)
    .move(1, 10)
    .add(1, VALUE + COUNTED.netns)
  a.call(HELPER.probeReadKernel)
  a.move(1, 9).call(HELPER.fullSocket).jumpIf(0, '==', 0, 'known')
  a.load(4, 1, 0, SOCKET.protocol)
    .store(4, 10, VALUE + COUNTED.protocol, 1)
    .label('known')
  a.setMap(1, maps.sockets).move(2, 10).add(2, KEY).move(3, 10).add(3, VALUE).set(4, ONLY_NEW)
  a.call(HELPER.mapUpdate).jumpIf(0, '==', 0, 'end')
  find()
  a.jumpIf(0, '!=', 0, 'add')
  a.storeNumber(4, 10, VALUE, 0).setMap(1, maps.overflow).move(2, 10).add(2, VALUE).call(HELPER.mapLookUp)
  a.jumpIf(0, '==', 0, 'end')
  a.label('add')
    .addAtomically(0, at, 8)
    .set(1, 1)
    .addAtomically(0, at + 8, 1)
  return a.label('end').set(0, 1).exit().assemble()
}
