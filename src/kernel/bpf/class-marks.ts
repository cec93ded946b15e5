import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { closeFd, KernelError } from '../libc.ts'
import { netnsCookie } from '../socket-marks.ts'
import {
  attachToCgroup,
  createMap,
  type Hook,
  loadProgram,
  lookUpElement,
  MAP,
  openPinned,
  pinObject,
  removeElement,
  runProgram,
  setElement,
  updateLink,
} from './bpf.ts'
import type { Btf } from './btf.ts'
import {
  CLASS_KEY,
  type ClassMaps,
  type ClassShape,
  classPrograms,
  GROUP_NAME_BYTES,
  groupOffsets,
  selfProgram,
} from './class-programs.ts'
import { openGroup } from './denied-programs.ts'
import { type ExecutableIdentity, keyOf } from './executable-watch.ts'
import { demandPinFolder } from './pins.ts'
import { kernelOffsets } from './watch-programs.ts'

const MAX_EXECUTABLES = 32_768
const MAX_GROUPS = 4_096
const MAX_CLASSES = 8_192
const LINK_PREFIX = 'link_'
const NOTHING_THERE = new Set(['ENOENT', 'EPERM', 'EINVAL'])

/** What does not change from one set of classes to the next. */
export type ClassHow = Omit<ClassShape, 'netns' | 'own' | 'asksForGroups'>

/** The tables of one set of classes, filled before anything runs by them. */
export class ClassTables {
  readonly maps: ClassMaps
  readonly asksForGroups: boolean

  /** Throws KernelError. */
  constructor(asksForGroups: boolean) {
    this.asksForGroups = asksForGroups
    const executables = createMap('gh_executables', {
      type: MAP.hash,
      keyBytes: 16,
      valueBytes: 4,
      entries: MAX_EXECUTABLES,
    })
    const groups = createMap('gh_groups', {
      type: MAP.hash,
      keyBytes: GROUP_NAME_BYTES,
      valueBytes: 8,
      entries: MAX_GROUPS,
    })
    const classes = createMap('gh_classes', {
      type: MAP.hash,
      keyBytes: CLASS_KEY.bytes,
      valueBytes: 4,
      entries: MAX_CLASSES,
    })
    this.maps = { executables, groups, classes }
  }

  /** Throws KernelError when 32,768 are known already. */
  setExecutable(identity: ExecutableIdentity, kind: number): void {
    setElement(this.maps.executables, keyOf(identity), hostBytes(kind))
  }

  forgetExecutable(identity: ExecutableIdentity): void {
    removeElement(this.maps.executables, keyOf(identity))
  }

  /** `name`: the last part of the path of a control group. Throws KernelError when 4,096 are known already. */
  setGroup(name: string, bits: bigint): void {
    setElement(this.maps.groups, groupKey(name), new Uint8Array(BigUint64Array.of(bits).buffer))
  }

  /** Whoever is of this kind, within groups of exactly these bits, gets the mark. */
  setClass(groups: bigint, kind: number, mark: number): void {
    const key = new Uint8Array(CLASS_KEY.bytes)
    const view = new DataView(key.buffer)
    view.setBigUint64(CLASS_KEY.groups, groups, true)
    view.setUint32(CLASS_KEY.executable, kind, true)
    setElement(this.maps.classes, key, hostBytes(mark))
  }

  close(): void {
    for (const fd of Object.values(this.maps)) closeFd(fd)
  }
}

export interface ClassHooksOptions extends ClassHow {
  readonly btf: Btf
  /** Folder of the control group whose programs are marked; absent: the root, which is everybody. */
  readonly cgroup?: string
  /** Folder in a bpf file system, for what goes on without us. */
  readonly pins: string
  /** All goes on when this process dies, in whatever way; else only where it is closed to be kept. */
  readonly outlives: boolean
}

/**
 * The programs that mark sockets. What an earlier process left pinned is taken over: `run` puts new programs in the
 * place of the old ones, hook by hook, and no call ever meets none.
 */
export class ClassHooks {
  readonly #options: ClassHooksOptions
  readonly #offsets: ReturnType<typeof kernelOffsets>
  readonly #groups: ReturnType<typeof groupOffsets>
  readonly #own: ClassShape['own']
  readonly netns = netnsCookie()
  readonly #links = new Map<Hook, number>()
  readonly #pinned = new Set<Hook>()

  /** Throws BtfError, KernelError or ProgramRefused. */
  constructor(options: ClassHooksOptions) {
    this.#options = options
    this.#offsets = kernelOffsets(options.btf)
    this.#groups = groupOffsets(options.btf)
    this.#own = ourselves(this.#offsets)
  }

  /** From now on sockets are marked by these tables. Throws KernelError or ProgramRefused. */
  run(tables: ClassTables): void {
    // All of them before any of them runs.
    this.#load(tables, (loaded) => {
      const group = openGroup(this.#options.cgroup)
      try {
        for (const { hook, fd } of loaded) this.#put(hook, fd, group.fd)
        if (this.#options.outlives) this.#pin()
        else this.#unpin()
      } finally {
        group.close()
      }
    })
  }

  /** Whether this kernel takes them: nothing is changed. Throws as `run`. */
  rehearse(tables: ClassTables): void {
    this.#load(tables, () => {})
  }

  /**
   * `keep`: sockets are marked without us. Throws KernelError where that cannot be; then all has ended. What never ran
   * leaves alone what an earlier process pinned.
   */
  close(keep: boolean): void {
    if (this.#links.size === 0) return
    try {
      if (keep) this.#pin()
      else this.#unpin()
    } finally {
      for (const link of this.#links.values()) closeFd(link)
      this.#links.clear()
    }
  }

  #load(
    { maps, asksForGroups }: ClassTables,
    use: (loaded: readonly { readonly hook: Hook; readonly fd: number }[]) => void,
  ): void {
    const { mask, isStrict, yields } = this.#options
    const shape = { mask, isStrict, yields, asksForGroups, netns: this.netns, own: this.#own }
    const loaded: { readonly hook: Hook; readonly fd: number }[] = []
    try {
      for (const { name, hook, instructions } of classPrograms(this.#offsets, this.#groups, { maps, shape }))
        loaded.push({ hook, fd: loadProgram(name, hook, instructions) })
      use(loaded)
    } finally {
      for (const { fd } of loaded) closeFd(fd)
    }
  }

  #put(hook: Hook, program: number, group: number): void {
    const known = this.#links.get(hook) ?? this.#ofEarlierProcess(hook)
    if (known !== undefined) {
      this.#links.set(hook, known)
      updateLink(known, program)
      return
    }
    this.#links.set(hook, attachToCgroup(program, group, hook))
  }

  /** What it left pinned; undefined where there is none. */
  #ofEarlierProcess(hook: Hook): number | undefined {
    try {
      const link = openPinned(this.#pinOf(hook))
      this.#pinned.add(hook)
      return link
    } catch (refused) {
      // EPERM: no bpf file system is there (bpf_obj_do_get).
      if (refused instanceof KernelError && NOTHING_THERE.has(refused.code)) return undefined
      throw refused
    }
  }

  #pin(): void {
    const { pins } = this.#options
    demandPinFolder(dirname(pins))
    mkdirSync(pins, { recursive: true, mode: 0o700 })
    for (const [hook, link] of this.#links) {
      if (this.#pinned.has(hook)) continue
      pinObject(link, this.#pinOf(hook))
      this.#pinned.add(hook)
    }
  }

  #unpin(): void {
    removePins(this.#options.pins)
    this.#pinned.clear()
  }

  #pinOf(hook: Hook): string {
    return join(this.#options.pins, LINK_PREFIX + hook)
  }
}

/** Ends what an earlier process left pinned. Answers whether there was anything. */
export function removePins(folder: string): boolean {
  try {
    const names = readdirSync(folder)
    for (const name of names) rmSync(join(folder, name))
    rmSync(folder, { recursive: true })
    return names.length > 0
  } catch (failed) {
    if ((failed as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw failed
  }
}

/** Ourselves as the kernel numbers processes: within a container /proc says otherwise. */
function ourselves(offsets: ReturnType<typeof kernelOffsets>): ClassShape['own'] {
  const answer = createMap('gh_self', { type: MAP.array, keyBytes: 4, valueBytes: 16, entries: 1 })
  try {
    const program = loadProgram('gh_self', 'rawTracepoint', selfProgram(offsets, answer))
    try {
      runProgram(program, new Uint8Array(8))
    } finally {
      closeFd(program)
    }
    const value = new Uint8Array(16)
    lookUpElement(answer, new Uint8Array(4), value)
    const view = new DataView(value.buffer)
    return { pid: view.getUint32(0, true), startedAt: view.getBigUint64(8, true) }
  } finally {
    closeFd(answer)
  }
}

function groupKey(name: string): Uint8Array {
  const key = new Uint8Array(GROUP_NAME_BYTES)
  key.set(new TextEncoder().encode(name).subarray(0, GROUP_NAME_BYTES - 1))
  return key
}

const hostBytes = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)
