import { Assembler, type Register } from './assembler.ts'
import { HELPER, type Hook } from './bpf.ts'
import type { Btf } from './btf.ts'
import { DENIED } from './deny-programs.ts'
import type { KernelOffsets } from './watch-programs.ts'

/** Of the last part of a control group's path, with zeros behind it: the longest that engines and systemd make fit. */
export const GROUP_NAME_BYTES = 96
/** Key of the map of classes: bits of the groups (8 bytes), kind of executable (4), nothing (4). Value: mark (4 bytes). */
export const CLASS_KEY = { bytes: 16, groups: 0, executable: 8 } as const

/** Fds of the maps that the programs use. */
export interface ClassMaps {
  /** Identity of an executable, as DENIED has it → its kind (4 bytes). */
  readonly executables: number
  /** Name of a control group → bits (8 bytes). */
  readonly groups: number
  readonly classes: number
}

/** Where the programs look, and what they may do. */
export interface ClassShape {
  readonly mask: number
  /** Only sockets of this network namespace: marks mean nothing elsewhere. */
  readonly netns: bigint
  /** Whether anything asks for control groups: walking them costs more than all the rest. */
  readonly asksForGroups: boolean
  /** A program that nobody has seen yet gets EPERM, until it was looked at. */
  readonly isStrict: boolean
  /** Sockets with bits of others keep ours clear: somebody compares the whole mark. */
  readonly yields: boolean
  /** Who may set our bits by setsockopt: ourselves. */
  readonly own: { readonly pid: number; readonly startedAt: bigint }
}

export type GroupOffsets = ReturnType<typeof groupOffsets>

/** From a task to the names of its control groups. Throws BtfError. */
export const groupOffsets = (btf: Btf) => ({
  groups: btf.offset('task_struct', 'cgroups'),
  unified: btf.offset('css_set', 'dfl_cgrp'),
  node: btf.offset('cgroup', 'kn'),
  name: btf.offset('kernfs_node', 'name'),
  parent: btf.offset('cgroup', 'self.parent'),
  group: btf.offset('cgroup_subsys_state', 'cgroup'),
})

export interface ClassProgram {
  readonly name: string
  readonly hook: Hook
  readonly instructions: Uint8Array
}

/** struct bpf_sock, bpf_sock_addr and bpf_sockopt (linux/bpf.h), as programs see them. */
const SOCKET = { mark: 16 } as const
const ADDRESS = { socket: 64 } as const
const OPTION = { socket: 0, value: 8, valueEnd: 16, level: 24, name: 28 } as const
const [SOL_SOCKET, SO_MARK] = [1, 36]
/** Systemd's slices are nested a few deep, containers in pods about six. */
const MAX_DEPTH = 8

/** On the stack. */
const IDENTITY = -DENIED.keyBytes
const CLASS = IDENTITY - CLASS_KEY.bytes
const NAME = CLASS - GROUP_NAME_BYTES
const MARK = NAME - 8
/** Kept over calls. */
const [CONTEXT, SCRATCH, FOUND, BITS] = [6, 7, 8, 9] as const satisfies Register[]

/**
 * Writes the class of whoever opens, connects, sends from or binds a socket into the masked bits of its mark, and keeps
 * others from setting these bits. Never refuses anything, but for `isStrict`.
 */
export function classPrograms(
  offsets: KernelOffsets,
  groups: GroupOffsets,
  { maps, shape }: { readonly maps: ClassMaps; readonly shape: ClassShape },
): ClassProgram[] {
  const build = new Builder(offsets, groups, maps, shape)
  const [calling, binding] = [build.address(shape.isStrict), build.address(false)]
  return [
    { name: 'gh_class_create', hook: 'socketCreate', instructions: build.create() },
    ...(['connect4', 'connect6', 'sendmsg4', 'sendmsg6'] as const).map((hook) => ({
      name: `gh_class_${hook}`,
      hook,
      instructions: calling,
    })),
    ...(['bind4', 'bind6'] as const).map((hook) => ({
      name: `gh_class_${hook}`,
      hook,
      instructions: binding,
    })),
    { name: 'gh_class_guard', hook: 'setSocketOption', instructions: build.guard() },
  ]
}

class Builder {
  readonly #at: KernelOffsets
  readonly #groups: GroupOffsets
  readonly #maps: ClassMaps
  readonly #shape: ClassShape

  constructor(offsets: KernelOffsets, groups: GroupOffsets, maps: ClassMaps, shape: ClassShape) {
    this.#at = offsets
    this.#groups = groups
    this.#maps = maps
    this.#shape = shape
  }

  /** A new socket has no mark yet but ours; a raw one sends without any other call. */
  create(): Uint8Array {
    const a = new Assembler().move(CONTEXT, 1)
    this.#onlyOurNamespace(a)
    this.#findClass(a)
    a.load(4, 1, CONTEXT, SOCKET.mark).and(1, ~this.#shape.mask).orRegister(1, FOUND)
    a.store(4, CONTEXT, SOCKET.mark, 1)
    return a.label('end').set(0, 1).exit().assemble()
  }

  /** The socket may be of another program by now: it was handed over, or is used after an exec. */
  address(isStrict: boolean): Uint8Array {
    const { mask, yields } = this.#shape
    const a = new Assembler().move(CONTEXT, 1)
    this.#onlyOurNamespace(a)
    this.#findClass(a)
    if (isStrict) a.load(4, 1, 10, CLASS + CLASS_KEY.executable).jumpIf(1, '==', 0, 'unseen')
    a.load(8, SCRATCH, CONTEXT, ADDRESS.socket).jumpIf(SCRATCH, '==', 0, 'end')
    a.load(4, BITS, SCRATCH, SOCKET.mark)
    a.move(1, BITS).and(1, ~mask)
    if (yields) a.jumpIf(1, '!=', 0, 'end')
    a.orRegister(1, FOUND).jumpIfRegister(1, '==', BITS, 'end')
    a.store(4, 10, MARK, 1).move(1, CONTEXT).set(2, SOL_SOCKET).set(3, SO_MARK)
    a.move(4, 10).add(4, MARK).set(5, 4).call(HELPER.setSocketOption)
    a.label('end').set(0, 1).exit()
    // A kernel thread has no program that anybody could look at.
    if (isStrict) {
      a.label('unseen').call(HELPER.currentTask).load(8, 1, 0, this.#at.task.mm).jumpIf(1, '==', 0, 'end')
      a.set(0, 0).exit()
    }
    return a.assemble()
  }

  /** What somebody writes into the mark, our bits stay as they are. */
  guard(): Uint8Array {
    const { mask, yields, own } = this.#shape
    const a = new Assembler().move(CONTEXT, 1)
    a.load(4, 2, 1, OPTION.level).jumpIf(2, '!=', SOL_SOCKET, 'end')
    a.load(4, 2, 1, OPTION.name).jumpIf(2, '!=', SO_MARK, 'end')
    this.#onlyOurNamespace(a)
    a.call(HELPER.currentTask).load(4, 1, 0, this.#at.task.tgid).jumpIf(1, '!=', own.pid, 'other')
    a.load(8, 1, 0, this.#at.task.leader).jumpIf(1, '==', 0, 'other').load(8, 1, 1, this.#at.task.started)
    a.setLong(2, own.startedAt).jumpIfRegister(1, '==', 2, 'end')
    a.label('other').load(8, 3, CONTEXT, OPTION.value).load(8, 4, CONTEXT, OPTION.valueEnd)
    a.move(5, 3).add(5, 4).jumpIfRegister(5, '>', 4, 'end')
    a.load(8, 1, CONTEXT, OPTION.socket).jumpIf(1, '==', 0, 'end')
    a.load(4, 1, 1, SOCKET.mark).and(1, mask)
    a.load(4, 2, 3, 0).and(2, ~mask)
    if (yields) a.jumpIf(2, '!=', 0, 'write')
    a.orRegister(2, 1).label('write').store(4, 3, 0, 2)
    return a.label('end').set(0, 1).exit().assemble()
  }

  #onlyOurNamespace(a: Assembler): void {
    a.move(1, CONTEXT).call(HELPER.netnsCookie).setLong(1, this.#shape.netns)
    a.jumpIfRegister(0, '!=', 1, 'end')
  }

  /** FOUND = the mark of whoever runs now, 0 where none is known. Plain loads: the verifier knows the types. */
  #findClass(a: Assembler): void {
    const { task, mm, file, inode, super: superBlock } = this.#at
    a.set(FOUND, 0)
      .set(BITS, 0)
      .storeNumber(8, 10, CLASS + CLASS_KEY.executable, 0)
    a.call(HELPER.currentTask).move(SCRATCH, 0)
    a.load(8, 1, SCRATCH, task.mm).jumpIf(1, '==', 0, 'look')
    a.load(8, 1, 1, mm.file).jumpIf(1, '==', 0, 'groups')
    a.load(8, 1, 1, file.inode).jumpIf(1, '==', 0, 'groups')
    a.load(8, 2, 1, inode.number).store(8, 10, IDENTITY + DENIED.inode, 2)
    a.load(4, 2, 1, inode.generation).store(4, 10, IDENTITY + DENIED.generation, 2)
    a.load(8, 1, 1, inode.super).jumpIf(1, '==', 0, 'groups')
    a.load(4, 2, 1, superBlock.device).store(4, 10, IDENTITY + DENIED.device, 2)
    a.setMap(1, this.#maps.executables).move(2, 10).add(2, IDENTITY).call(HELPER.mapLookUp)
    a.jumpIf(0, '==', 0, 'groups')
      .load(4, 1, 0, 0)
      .store(4, 10, CLASS + CLASS_KEY.executable, 1)
    a.label('groups')
    if (this.#shape.asksForGroups) this.#walkGroups(a)
    a.label('look').store(8, 10, CLASS + CLASS_KEY.groups, BITS)
    a.setMap(1, this.#maps.classes).move(2, 10).add(2, CLASS).call(HELPER.mapLookUp)
    a.jumpIf(0, '==', 0, 'found').load(4, FOUND, 0, 0).label('found')
  }

  /** BITS = what the control group and all above it are asked for by. SCRATCH is the task at first, then the group. */
  #walkGroups(a: Assembler): void {
    const { groups, unified, node, name, parent, group } = this.#groups
    a.load(8, 1, SCRATCH, groups).jumpIf(1, '==', 0, 'look')
    a.load(8, SCRATCH, 1, unified)
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const next = `above${depth}`
      a.jumpIf(SCRATCH, '==', 0, 'look').load(8, 1, SCRATCH, node).jumpIf(1, '==', 0, 'look')
      for (let at = 0; at < GROUP_NAME_BYTES; at += 8) a.storeNumber(8, 10, NAME + at, 0)
      a.load(8, 3, 1, name).move(1, 10).add(1, NAME).set(2, GROUP_NAME_BYTES).call(HELPER.probeReadKernelText)
      a.setMap(1, this.#maps.groups).move(2, 10).add(2, NAME).call(HELPER.mapLookUp)
      a.jumpIf(0, '==', 0, next).load(8, 1, 0, 0).orRegister(BITS, 1)
      a.label(next).load(8, 1, SCRATCH, parent).jumpIf(1, '==', 0, 'look').load(8, SCRATCH, 1, group)
    }
  }
}

/** Run by ourselves: the map `answer` (16 bytes) gets our process as the kernel numbers it, and when it started. */
export function selfProgram({ task }: KernelOffsets, answer: number): Uint8Array {
  const a = new Assembler().storeNumber(4, 10, MARK, 0)
  a.setMap(1, answer)
    .move(2, 10)
    .add(2, MARK)
    .call(HELPER.mapLookUp)
    .jumpIf(0, '==', 0, 'end')
    .move(SCRATCH, 0)
  a.call(HELPER.currentTask).load(4, 1, 0, task.tgid).storeNumber(8, SCRATCH, 0, 0).store(4, SCRATCH, 0, 1)
  a.load(8, 1, 0, task.leader).jumpIf(1, '==', 0, 'end').load(8, 1, 1, task.started).store(8, SCRATCH, 8, 1)
  return a.label('end').set(0, 0).exit().assemble()
}
