import { Assembler } from './assembler.ts'
import { HELPER, type Hook } from './bpf.ts'
import type { Btf } from './btf.ts'
import type { KernelOffsets } from './watch-programs.ts'

/** Key of the map of denied executables: inode (8 bytes), device, generation. Value: calls that were refused (8 bytes). */
export const DENIED = { keyBytes: 16, valueBytes: 8, inode: 0, device: 8, generation: 12 } as const

const KEY = -DENIED.keyBytes
const SCRATCH = KEY - 8
/** struct bpf_sock (linux/bpf.h), as socket programs see it. */
const SOCKET = { type: 8, protocol: 12 } as const
const SOCK_RAW = 3
const [ICMP, ICMPV6] = [1, 58] as const
const POINTER_BYTES = 8

export interface DenyProgram {
  readonly name: string
  readonly hook: Hook
  readonly instructions: Uint8Array
}

/**
 * All that lets a program reach the network: connect, the first and every sendto, bind, and raw sockets, which have none
 * of these. Each answers EPERM when the executable of who calls is in the map `denied`, and leaves everybody else alone.
 */
export function denyPrograms(offsets: KernelOffsets, denied: number): DenyProgram[] {
  const address = denyCall(offsets, denied)
  const hooks = ['connect4', 'connect6', 'sendmsg4', 'sendmsg6', 'bind4', 'bind6'] as const
  return [
    ...hooks.map((hook) => ({ name: `gh_deny_${hook}`, hook, instructions: address })),
    { name: 'gh_deny_raw', hook: 'socketCreate', instructions: denyRawSocket(offsets, denied) },
  ]
}

function denyCall(offsets: KernelOffsets, denied: number): Uint8Array {
  const a = new Assembler()
  denyWho(a, offsets, denied)
  return a.assemble()
}

function denyRawSocket(offsets: KernelOffsets, denied: number): Uint8Array {
  const a = new Assembler().load(4, 2, 1, SOCKET.type).jumpIf(2, '==', SOCK_RAW, 'judge')
  a.load(4, 2, 1, SOCKET.protocol).jumpIf(2, '==', ICMP, 'judge').jumpIf(2, '!=', ICMPV6, 'pass')
  a.label('judge')
  denyWho(a, offsets, denied)
  return a.assemble()
}

/** Plain loads: the verifier knows the types. A kernel thread has no memory and passes. */
function denyWho(
  a: Assembler,
  { task, mm, file, inode, super: superBlock }: KernelOffsets,
  denied: number,
): void {
  a.call(HELPER.currentTask)
  a.load(8, 1, 0, task.mm).jumpIf(1, '==', 0, 'pass')
  a.load(8, 1, 1, mm.file).jumpIf(1, '==', 0, 'pass')
  a.load(8, 1, 1, file.inode).jumpIf(1, '==', 0, 'pass')
  a.load(8, 2, 1, inode.number).store(8, 10, KEY + DENIED.inode, 2)
  a.load(4, 2, 1, inode.generation).store(4, 10, KEY + DENIED.generation, 2)
  a.load(8, 1, 1, inode.super).jumpIf(1, '==', 0, 'pass')
  a.load(4, 2, 1, superBlock.device).store(4, 10, KEY + DENIED.device, 2)
  a.setMap(1, denied).move(2, 10).add(2, KEY).call(HELPER.mapLookUp).jumpIf(0, '==', 0, 'pass')
  a.set(1, 1).addAtomically(0, 0, 1).set(0, 0).exit()
  a.label('pass').set(0, 1).exit()
}

export type OpenFileOffsets = ReturnType<typeof openFileOffsets>

/** From a task to the files that it has open. Throws BtfError when this kernel has them elsewhere. */
export const openFileOffsets = (btf: Btf) => ({
  files: btf.offset('task_struct', 'files'),
  table: btf.offset('files_struct', 'fdt'),
  descriptors: btf.offset('fdtable', 'fd'),
})

/**
 * Run by ourselves, with a descriptor as its argument: puts the identity of the file behind it in the map `answer` (one
 * element, as a key of DENIED; zeros where something could not be read). stat(2) does not tell generations, and on
 * btrfs and overlayfs other devices and inodes than the kernel's own.
 */
export function identityProgram(offsets: KernelOffsets, open: OpenFileOffsets, answer: number): Uint8Array {
  const { file, inode, super: superBlock } = offsets
  const a = new Assembler().load(8, 8, 1, 0).storeNumber(4, 10, KEY, 0)
  a.setMap(1, answer).move(2, 10).add(2, KEY).call(HELPER.mapLookUp).jumpIf(0, '==', 0, 'end').move(9, 0)
  for (let at = 0; at < DENIED.keyBytes; at += 8) a.storeNumber(8, 9, at, 0)
  a.call(HELPER.currentTask).move(6, 0)
  const follow = (offset: number): void => {
    a.storeNumber(8, 10, SCRATCH, 0)
      .move(3, 6)
      .add(3, offset)
      .set(2, POINTER_BYTES)
      .move(1, 10)
      .add(1, SCRATCH)
    a.call(HELPER.probeReadKernel).load(8, 6, 10, SCRATCH).jumpIf(6, '==', 0, 'end')
  }
  follow(open.files)
  follow(open.table)
  follow(open.descriptors)
  for (let pointer = 0; pointer < POINTER_BYTES; pointer++) a.addRegister(6, 8)
  follow(0)
  follow(file.inode)
  const copy = (width: 4 | 8, offset: number, to: number): void =>
    void a.move(3, 6).add(3, offset).set(2, width).move(1, 9).add(1, to).call(HELPER.probeReadKernel)
  copy(8, inode.number, DENIED.inode)
  copy(4, inode.generation, DENIED.generation)
  follow(inode.super)
  copy(4, superBlock.device, DENIED.device)
  return a.label('end').set(0, 0).exit().assemble()
}
