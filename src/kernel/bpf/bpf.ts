import koffi from 'koffi'
import { addressOf, closeFd, KernelError } from '../libc.ts'

/** bpf(2) is not in the C library. */
const cSyscall = koffi
  .load('libc.so.6')
  .func('long syscall(long number, int command, void *attributes, uint32_t length)')
const SYS_BPF: Readonly<Record<string, number>> = { x64: 321, arm64: 280 }
const COMMAND = {
  createMap: 0,
  lookUp: 1,
  update: 2,
  remove: 3,
  nextKey: 4,
  loadProgram: 5,
  pin: 6,
  openPin: 7,
  run: 10,
  openRawTracepoint: 17,
  lookUpAndRemove: 21,
  createLink: 28,
  updateLink: 29,
} as const
const ATTRIBUTES_BYTES = 128
const NAME_BYTES = 15
const LOG_BYTES = 1 << 20
const MAX_TRIES = 10
/** BPF_F_MMAPABLE */
const MAPPABLE = 1 << 10
const LOG_LINES_SHOWN = 6
const LOG_CHARACTERS_SHOWN = 600
const LICENCE = new TextEncoder().encode('GPL\0')

export const MAP = { hash: 1, array: 2, lruHash: 9, ring: 27 } as const

/** Kinds of programs and where they attach (enum bpf_prog_type, enum bpf_attach_type). */
export const HOOK = {
  connect4: { program: 18, attach: 10 },
  connect6: { program: 18, attach: 11 },
  sendmsg4: { program: 18, attach: 14 },
  sendmsg6: { program: 18, attach: 15 },
  bind4: { program: 18, attach: 8 },
  bind6: { program: 18, attach: 9 },
  socketCreate: { program: 9, attach: 2 },
  ingress: { program: 8, attach: 0 },
  egress: { program: 8, attach: 1 },
  setSocketOption: { program: 25, attach: 22 },
  socketRelease: { program: 9, attach: 34 },
  rawTracepoint: { program: 17, attach: 0 },
  /** A tracepoint whose arguments have types: members are read by plain loads. */
  typedTracepoint: { program: 26, attach: 23 },
} as const

export type Hook = keyof typeof HOOK

/** Helpers (enum bpf_func_id). */
export const HELPER = {
  mapLookUp: 1,
  mapUpdate: 2,
  pidTgid: 14,
  socketCookie: 46,
  setSocketOption: 49,
  cgroupId: 80,
  fullSocket: 95,
  probeReadUser: 112,
  probeReadKernel: 113,
  probeReadKernelText: 115,
  netnsCookie: 122,
  ringOutput: 130,
  ringReserve: 131,
  ringSubmit: 132,
  ringQuery: 134,
  tcpSocket: 137,
  currentTask: 158,
} as const

/** The verifier said no. `log` is the end of what it said: a few lines, printable. */
export class ProgramRefused extends Error {
  override readonly name = 'ProgramRefused'
  readonly code: string
  readonly log: string

  constructor(program: string, refused: KernelError, log: string) {
    super(`the kernel does not load the eBPF program ${program} (${refused.code})${log ? `: ${log}` : ''}`, {
      cause: refused,
    })
    this.code = refused.code
    this.log = log
  }
}

export interface MapShape {
  readonly type: number
  readonly keyBytes: number
  readonly valueBytes: number
  /** For a ring: its bytes, a power of two and of whole pages. */
  readonly entries: number
  /** Of an array: user space may map it, as `mapShared` does. */
  readonly isMappable?: boolean
}

/** All of these throw KernelError when the kernel refuses; what they open is closed by `closeFd`. */
export function createMap(
  name: string,
  { type, keyBytes, valueBytes, entries, isMappable }: MapShape,
): number {
  const { bytes, view } = attributes()
  for (const [at, value] of [type, keyBytes, valueBytes, entries].entries())
    view.setUint32(at * 4, value, true)
  if (isMappable) view.setUint32(16, MAPPABLE, true)
  setName(bytes, 28, name)
  return call(COMMAND.createMap, 'eBPF map', bytes)
}

/** Fills `value`; false when there is no such key. */
export const lookUpElement = (map: number, key: Uint8Array, value: Uint8Array): boolean =>
  isThere(() => element(COMMAND.lookUp, map, key, value))

export const setElement = (map: number, key: Uint8Array, value: Uint8Array): void =>
  element(COMMAND.update, map, key, value)

/** Fills `value` and takes the element out; false when there is no such key. */
export const takeElement = (map: number, key: Uint8Array, value: Uint8Array): boolean =>
  isThere(() => element(COMMAND.lookUpAndRemove, map, key, value))

/** False when there was no such key. */
export const removeElement = (map: number, key: Uint8Array): boolean =>
  isThere(() => element(COMMAND.remove, map, key))

/** Fills `next` with the key after `key`, or with the first; false after the last. */
export function nextKey(map: number, key: Uint8Array | undefined, next: Uint8Array): boolean {
  const { bytes, view } = attributes()
  view.setUint32(0, map, true)
  if (key) view.setBigUint64(8, addressOf(key), true)
  view.setBigUint64(16, addressOf(next), true)
  return isThere(() => void call(COMMAND.nextKey, 'eBPF map key', bytes, next, ...(key ? [key] : [])))
}

/** Runs a raw tracepoint program once, now and on this thread; `context` is what it finds in its arguments. */
export function runProgram(program: number, context: Uint8Array): void {
  const { bytes, view } = attributes()
  view.setUint32(0, program, true)
  view.setUint32(40, context.length, true)
  view.setBigUint64(48, addressOf(context), true)
  call(COMMAND.run, 'eBPF program', bytes, context)
}

function isThere(act: () => void): boolean {
  try {
    act()
    return true
  } catch (refused) {
    if (refused instanceof KernelError && refused.code === 'ENOENT') return false
    throw refused
  }
}

/** `target`: of a typed tracepoint, its type (Btf.tracepoint). Throws ProgramRefused, with the end of the verifier's log. */
export function loadProgram(name: string, hook: Hook, instructions: Uint8Array, target = 0): number {
  const program = { name, hook, instructions, target }
  for (let tries = 1; ; tries++) {
    try {
      return load(program)
    } catch (refused) {
      if (!(refused instanceof KernelError)) throw refused
      // The verifier gives up when a signal comes (bpf_check): nothing is wrong with the program.
      if (refused.code === 'EAGAIN' && tries < MAX_TRIES) continue
      throw new ProgramRefused(name, refused, verifierLog(program))
    }
  }
}

/** Loads again with the log on: only what it says counts. */
function verifierLog(program: LoadedProgram): string {
  const log = new Uint8Array(LOG_BYTES)
  try {
    closeFd(load(program, log))
  } catch {
    // The first refusal is the one that is told.
  }
  return endOfLog(log)
}

/** Attaches to a cgroup beside the programs of others. The link ends when its fd is closed, also by a crash. */
export function attachToCgroup(program: number, cgroup: number, hook: Hook): number {
  const { bytes, view } = attributes()
  view.setUint32(0, program, true)
  view.setUint32(4, cgroup, true)
  view.setUint32(8, HOOK[hook].attach, true)
  return call(COMMAND.createLink, `eBPF link ${hook}`, bytes)
}

/** From now on the link runs this program instead; no call sees neither. */
export function updateLink(link: number, program: number): void {
  const { bytes, view } = attributes()
  view.setUint32(0, link, true)
  view.setUint32(4, program, true)
  call(COMMAND.updateLink, 'eBPF link', bytes)
}

/** Gives a map or a link a name in a bpf file system: it stays when its last fd is closed. */
export function pinObject(fd: number, path: string): void {
  const { bytes, view } = attributes()
  const name = new TextEncoder().encode(`${path}\0`)
  view.setBigUint64(0, addressOf(name), true)
  view.setUint32(8, fd, true)
  call(COMMAND.pin, `eBPF pin ${path}`, bytes, name)
}

export function openPinned(path: string): number {
  const { bytes, view } = attributes()
  const name = new TextEncoder().encode(`${path}\0`)
  view.setBigUint64(0, addressOf(name), true)
  return call(COMMAND.openPin, `eBPF pin ${path}`, bytes, name)
}

/** Attaches to a tracepoint by its name; ends when the fd is closed. */
export function attachToTracepoint(program: number, tracepoint: string): number {
  const { bytes, view } = attributes()
  const name = new TextEncoder().encode(`${tracepoint}\0`)
  view.setBigUint64(0, addressOf(name), true)
  view.setUint32(8, program, true)
  return call(COMMAND.openRawTracepoint, `tracepoint ${tracepoint}`, bytes, name)
}

/** A typed program knows its tracepoint since it was loaded. */
export function attachTyped(program: number): number {
  const { bytes, view } = attributes()
  view.setUint32(8, program, true)
  return call(COMMAND.openRawTracepoint, 'typed tracepoint', bytes)
}

/** The last lines of a verifier log, without its statistics and without what a terminal would act on. */
export function endOfLog(log: Uint8Array): string {
  const end = log.indexOf(0)
  const lines = Buffer.from(log.buffer, log.byteOffset, end < 0 ? log.length : end)
    .toString('latin1')
    .replace(/[^\x20-\x7e\n]/g, '?')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('processed '))
  return lines.slice(-LOG_LINES_SHOWN).join(' | ').slice(-LOG_CHARACTERS_SHOWN)
}

interface LoadedProgram {
  readonly name: string
  readonly hook: Hook
  readonly instructions: Uint8Array
  readonly target: number
}

function load({ name, hook, instructions, target }: LoadedProgram, log?: Uint8Array): number {
  const { bytes, view } = attributes()
  view.setUint32(0, HOOK[hook].program, true)
  view.setUint32(4, instructions.length / 8, true)
  view.setBigUint64(8, addressOf(instructions), true)
  view.setBigUint64(16, addressOf(LICENCE), true)
  if (log) {
    view.setUint32(24, 1, true)
    view.setUint32(28, log.length, true)
    view.setBigUint64(32, addressOf(log), true)
  }
  setName(bytes, 48, name)
  view.setUint32(68, HOOK[hook].attach, true)
  view.setUint32(108, target, true)
  return call(COMMAND.loadProgram, `eBPF program ${name}`, bytes, instructions)
}

function element(command: number, map: number, key: Uint8Array, value?: Uint8Array): void {
  const { bytes, view } = attributes()
  view.setUint32(0, map, true)
  view.setBigUint64(8, addressOf(key), true)
  if (value) view.setBigUint64(16, addressOf(value), true)
  call(command, 'eBPF map element', bytes, key, ...(value ? [value] : []))
}

function attributes(): { readonly bytes: Uint8Array<ArrayBuffer>; readonly view: DataView } {
  const bytes = new Uint8Array(ATTRIBUTES_BYTES)
  return { bytes, view: new DataView(bytes.buffer) }
}

/** Names hold letters, digits, `_` and `.` alone (bpf_obj_name_cpy). */
const setName = (bytes: Uint8Array, at: number, name: string): void =>
  bytes.set(new TextEncoder().encode(name.replace(/[^\w.]/g, '_')).subarray(0, NAME_BYTES), at)

/** `_alive`: what the attributes point to must not be collected before the call is over. */
function call(command: number, what: string, bytes: Uint8Array, ..._alive: Uint8Array[]): number {
  const number = SYS_BPF[process.arch]
  if (number === undefined) throw new Error(`eBPF is not built for ${process.arch}`)
  const answer = cSyscall(number, command, bytes, bytes.length) as number
  if (answer < 0) throw new KernelError(what, koffi.errno())
  return answer
}
