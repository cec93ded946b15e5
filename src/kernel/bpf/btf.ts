import { readFileSync } from 'node:fs'

const KERNEL_BTF = '/sys/kernel/btf/vmlinux'
const MAGIC = 0xeb9f
/** Kinds of types and the bytes that follow their 12-byte head (linux/btf.h, Documentation/bpf/btf.rst). */
const KIND = {
  int: 1,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  typedef: 8,
  volatile: 9,
  const: 10,
  functionPrototype: 13,
  variable: 14,
  section: 15,
  declarationTag: 17,
  typeTag: 18,
  enum64: 19,
} as const
const HEAD_BYTES = 12
const MEMBER_BYTES = 12
const LAST_KIND = KIND.enum64
const FIXED_TAIL: Readonly<Record<number, number>> = {
  [KIND.int]: 4,
  [KIND.array]: 12,
  [KIND.variable]: 4,
  [KIND.declarationTag]: 4,
}
const TAIL_PER_ENTRY: Readonly<Record<number, number>> = {
  [KIND.struct]: MEMBER_BYTES,
  [KIND.union]: MEMBER_BYTES,
  [KIND.enum]: 8,
  [KIND.functionPrototype]: 8,
  [KIND.section]: 12,
  [KIND.enum64]: 12,
}
/** Names for the same type in a row, and structs within structs: real kernels stay below 10. */
const MAX_DEPTH = 12

interface Member {
  readonly type: number
  readonly offsetBits: number
}

/** Type information that is cut off, damaged, or does not have what was asked for. */
export class BtfError extends Error {
  override readonly name = 'BtfError'
}

/** Where the running kernel keeps the members of its structures: no header file can know. */
export class Btf {
  readonly #bytes: Buffer
  readonly #view: DataView
  readonly #stringsAt: number
  readonly #stringsEnd: number
  /** Place of each type by its id; id 0 is void. */
  readonly #types: number[] = [0]
  readonly #structs = new Map<string, number>()

  /** Throws BtfError on bytes that are no BTF of this machine's byte order. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (bytes.length < 24 || this.#view.getUint16(0, true) !== MAGIC) throw new BtfError('this is no BTF')
    const headerBytes = this.#word(4)
    const typesAt = headerBytes + this.#word(8)
    const typesEnd = typesAt + this.#word(12)
    this.#stringsAt = headerBytes + this.#word(16)
    this.#stringsEnd = this.#stringsAt + this.#word(20)
    if (typesEnd > bytes.length || this.#stringsEnd > bytes.length) throw new BtfError('BTF is cut off')
    this.#readTypes(typesAt, typesEnd)
  }

  /**
   * Byte offset of a member within a struct: `offset('sock', '__sk_common.skc_cookie')`. Unnamed structs and unions
   * on the way are seen through. Throws BtfError when this kernel has no such member.
   */
  offset(struct: string, path: string): number {
    let type = this.#structs.get(struct)
    let bits = 0
    for (const name of path.split('.')) {
      const member = type === undefined ? undefined : this.#member(this.#bare(type), name, 0)
      if (!member) throw new BtfError(`this kernel has no ${struct}.${path}`)
      bits += member.offsetBits
      type = member.type
    }
    return bits >> 3
  }

  /** The type of a tracepoint's programs. Throws BtfError when this kernel has no such tracepoint. */
  tracepoint(name: string): number {
    const found = this.#types.findIndex((at, id) => {
      const kind = (this.#word(at + 4) >>> 24) & 0x1f
      return id > 0 && kind === KIND.typedef && this.#isText(this.#word(at), `btf_trace_${name}`)
    })
    if (found < 0) throw new BtfError(`this kernel has no tracepoint ${name}`)
    return found
  }

  #readTypes(start: number, end: number): void {
    for (let at = start; at < end; ) {
      if (at + HEAD_BYTES > end) throw new BtfError('BTF is cut off')
      const info = this.#word(at + 4)
      const kind = (info >>> 24) & 0x1f
      if (kind === 0 || kind > LAST_KIND) throw new BtfError(`BTF has a type of unknown kind ${kind}`)
      this.#noteStruct(at, kind)
      this.#types.push(at)
      at += HEAD_BYTES + (FIXED_TAIL[kind] ?? 0) + (info & 0xffff) * (TAIL_PER_ENTRY[kind] ?? 0)
      if (at > end) throw new BtfError('BTF is cut off')
    }
  }

  #noteStruct(at: number, kind: number): void {
    const nameAt = this.#word(at)
    if (kind !== KIND.struct || nameAt === 0) return
    const name = this.#text(nameAt)
    if (!this.#structs.has(name)) this.#structs.set(name, this.#types.length)
  }

  #member(type: number, name: string, depth: number): Member | undefined {
    const at = this.#types[type]
    if (!at || depth > MAX_DEPTH || !this.#hasMembers(at)) return undefined
    const info = this.#word(at + 4)
    // With the kind flag set the upper byte is the width of a bit field.
    const offsetMask = info >>> 31 === 1 ? 0xffffff : 0xffffffff
    for (let index = 0; index < (info & 0xffff); index++) {
      const memberAt = at + HEAD_BYTES + index * MEMBER_BYTES
      const offsetBits = (this.#word(memberAt + 8) & offsetMask) >>> 0
      const memberType = this.#word(memberAt + 4)
      const nameAt = this.#word(memberAt)
      if (nameAt !== 0 && this.#isText(nameAt, name)) return { type: memberType, offsetBits }
      const inner = nameAt === 0 ? this.#member(this.#bare(memberType), name, depth + 1) : undefined
      if (inner) return { type: inner.type, offsetBits: offsetBits + inner.offsetBits }
    }
    return undefined
  }

  #hasMembers(at: number): boolean {
    const kind = (this.#word(at + 4) >>> 24) & 0x1f
    return kind === KIND.struct || kind === KIND.union
  }

  /** The type itself, without typedef, const, volatile and tags. */
  #bare(type: number): number {
    let bare = type
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const at = this.#types[bare]
      if (!at) return 0
      const kind = (this.#word(at + 4) >>> 24) & 0x1f
      const isName =
        kind === KIND.typedef || kind === KIND.const || kind === KIND.volatile || kind === KIND.typeTag
      if (!isName) return bare
      bare = this.#word(at + 8)
    }
    return 0
  }

  #word(at: number): number {
    return this.#view.getUint32(at, true)
  }

  #text(offset: number): string {
    const start = this.#stringsAt + offset
    const end = start < this.#stringsEnd ? this.#bytes.indexOf(0, start) : -1
    if (end < 0 || end >= this.#stringsEnd) throw new BtfError('BTF has a name beyond its names')
    return this.#bytes.toString('latin1', start, end)
  }

  #isText(offset: number, text: string): boolean {
    const start = this.#stringsAt + offset
    if (start + text.length >= this.#stringsEnd || this.#bytes[start + text.length] !== 0) return false
    return this.#bytes.toString('latin1', start, start + text.length) === text
  }
}

/** The running kernel's own (kernels built with CONFIG_DEBUG_INFO_BTF). Takes about 30 ms. */
export function readKernelBtf(path = KERNEL_BTF): Btf {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw new BtfError(`${path} cannot be read: this kernel has no type information`, { cause })
  }
  return new Btf(bytes)
}
