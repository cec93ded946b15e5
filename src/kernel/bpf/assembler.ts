/** Registers of eBPF: r0 has answers, r1 to r5 arguments (lost at a call), r6 to r9 stay, r10 is the stack's top. */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10

/** Bytes of a load or store. */
export type Width = 1 | 2 | 4 | 8

export type Comparison = '==' | '!=' | '>' | '>=' | '<' | '<='

/** Instruction classes, sizes and operations (linux/bpf.h, bpf_common.h; RFC 9669 §3 to §5). */
const CODE = {
  moveRegister: 0xbf,
  moveNumber: 0xb7,
  addNumber: 0x07,
  addRegister: 0x0f,
  subtractRegister: 0x1f,
  andNumber: 0x57,
  orRegister: 0x4f,
  shiftRightNumber: 0x77,
  addAtomically: 0xdb,
  jump: 0x05,
  call: 0x85,
  exit: 0x95,
  loadLong: 0x18,
} as const
const LOAD: Readonly<Record<Width, number>> = { 1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79 }
const STORE: Readonly<Record<Width, number>> = { 1: 0x73, 2: 0x6b, 4: 0x63, 8: 0x7b }
const STORE_NUMBER: Readonly<Record<Width, number>> = { 1: 0x72, 2: 0x6a, 4: 0x62, 8: 0x7a }
const WITH_NUMBER: Readonly<Record<Comparison, number>> = {
  '==': 0x15,
  '!=': 0x55,
  '>': 0x25,
  '>=': 0x35,
  '<': 0xa5,
  '<=': 0xb5,
}
const WITH_REGISTER: Readonly<Record<Comparison, number>> = {
  '==': 0x1d,
  '!=': 0x5d,
  '>': 0x2d,
  '>=': 0x3d,
  '<': 0xad,
  '<=': 0xbd,
}
/** In the source field of a long load: the number is the fd of a map. */
const PSEUDO_MAP_FD = 1
/** In the number of an atomic instruction; 0 is to add (RFC 9669 §5.3). */
const COMPARE_EXCHANGE = 0xf1
const INSTRUCTION_BYTES = 8

interface Instruction {
  readonly code: number
  readonly to: number
  readonly from: number
  offset: number
  readonly number: number
}

interface Jump {
  readonly at: number
  readonly label: string
}

/** Writes eBPF programs: one call, one instruction, in the order of the program. Mistakes throw here, not in the kernel. */
export class Assembler {
  readonly #instructions: Instruction[] = []
  readonly #labels = new Map<string, number>()
  readonly #jumps: Jump[] = []

  get length(): number {
    return this.#instructions.length
  }

  /** to = from */
  move(to: Register, from: Register): this {
    return this.#add(CODE.moveRegister, to, from)
  }

  /** to = number, sign-extended from 32 bits */
  set(to: Register, number: number): this {
    return this.#add(CODE.moveNumber, to, 0, 0, number)
  }

  /** to = the map behind `fd`. Takes two instructions. */
  setMap(to: Register, fd: number): this {
    return this.#add(CODE.loadLong, to, PSEUDO_MAP_FD, 0, fd).#add(0, 0, 0)
  }

  /** to = number, all 64 bits. Takes two instructions. */
  setLong(to: Register, number: bigint): this {
    const halves = new DataView(new ArrayBuffer(8))
    halves.setBigUint64(0, number, true)
    return this.#add(CODE.loadLong, to, 0, 0, halves.getInt32(0, true)).#add(
      0,
      0,
      0,
      0,
      halves.getInt32(4, true),
    )
  }

  /** to += number */
  add(to: Register, number: number): this {
    return this.#add(CODE.addNumber, to, 0, 0, number)
  }

  /** to += from */
  addRegister(to: Register, from: Register): this {
    return this.#add(CODE.addRegister, to, from)
  }

  /** to -= from */
  subtractRegister(to: Register, from: Register): this {
    return this.#add(CODE.subtractRegister, to, from)
  }

  /** to &= number, sign-extended from 32 bits */
  and(to: Register, number: number): this {
    return this.#add(CODE.andNumber, to, 0, 0, number)
  }

  /** to |= from */
  orRegister(to: Register, from: Register): this {
    return this.#add(CODE.orRegister, to, from)
  }

  /** to >>>= bits, of 64 */
  shiftRight(to: Register, bits: number): this {
    return this.#add(CODE.shiftRightNumber, to, 0, 0, bits)
  }

  /** to = what stands `offset` bytes beyond `from` */
  load(width: Width, to: Register, from: Register, offset: number): this {
    return this.#add(LOAD[width], to, from, offset)
  }

  /** What stands `offset` bytes beyond `to` becomes `from`. */
  store(width: Width, to: Register, offset: number, from: Register): this {
    return this.#add(STORE[width], to, from, offset)
  }

  storeNumber(width: Width, to: Register, offset: number, number: number): this {
    return this.#add(STORE_NUMBER[width], to, 0, offset, number)
  }

  /** The 8 bytes `offset` beyond `to` grow by `from`, atomically. */
  addAtomically(to: Register, offset: number, from: Register): this {
    return this.#add(CODE.addAtomically, to, from, offset)
  }

  /** If the 8 bytes `offset` beyond `to` equal r0, they become `from`; r0 becomes what they were. Atomic. */
  compareExchange(to: Register, offset: number, from: Register): this {
    return this.#add(CODE.addAtomically, to, from, offset, COMPARE_EXCHANGE)
  }

  /** r0 = helper(r1 … r5): see enum bpf_func_id. */
  call(helper: number): this {
    return this.#add(CODE.call, 0, 0, 0, helper)
  }

  /** The program ends and answers r0. */
  exit(): this {
    return this.#add(CODE.exit, 0, 0)
  }

  /** Names the place of the next instruction. */
  label(name: string): this {
    if (this.#labels.has(name)) throw new Error(`label ${name} is there twice`)
    this.#labels.set(name, this.length)
    return this
  }

  jump(label: string): this {
    this.#jumps.push({ at: this.length, label })
    return this.#add(CODE.jump, 0, 0)
  }

  /** Jumps when the 64-bit register compares so to a number; `>` and its like are unsigned. */
  jumpIf(register: Register, comparison: Comparison, number: number, label: string): this {
    this.#jumps.push({ at: this.length, label })
    return this.#add(WITH_NUMBER[comparison], register, 0, 0, number)
  }

  /** The same between two registers. */
  jumpIfRegister(register: Register, comparison: Comparison, other: Register, label: string): this {
    this.#jumps.push({ at: this.length, label })
    return this.#add(WITH_REGISTER[comparison], register, other)
  }

  /** The program as the kernel takes it, jumps resolved. */
  assemble(): Uint8Array<ArrayBuffer> {
    for (const { at, label } of this.#jumps) {
      const place = this.#labels.get(label)
      if (place === undefined) throw new Error(`label ${label} is nowhere`)
      const instruction = this.#instructions[at] as Instruction
      instruction.offset = inRange(place - at - 1, -0x8000, 0x7fff, `jump to ${label}`)
    }
    const bytes = new Uint8Array(this.length * INSTRUCTION_BYTES)
    const view = new DataView(bytes.buffer)
    for (const [at, { code, to, from, offset, number }] of this.#instructions.entries()) {
      view.setUint8(at * INSTRUCTION_BYTES, code)
      view.setUint8(at * INSTRUCTION_BYTES + 1, to | (from << 4))
      view.setInt16(at * INSTRUCTION_BYTES + 2, offset, true)
      view.setInt32(at * INSTRUCTION_BYTES + 4, number, true)
    }
    return bytes
  }

  #add(code: number, to: number, from: number, offset = 0, number = 0): this {
    inRange(offset, -0x8000, 0x7fff, 'offset')
    inRange(number, -0x80000000, 0xffffffff, 'number')
    this.#instructions.push({ code, to, from, offset, number })
    return this
  }
}

function inRange(value: number, least: number, most: number, what: string): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new RangeError(`${what} ${value} does not fit an eBPF instruction`)
}
