import { ClassTables } from '#kernel/bpf/class-marks.ts'
import { KernelError } from '#kernel/libc.ts'
import type { ProgramFacts } from '#model/program-question.ts'
import type { ClassSet } from '#model/rule-program.ts'
import type { ClassBook } from './program-classes-book.ts'
import type { KnownExecutable } from './program-classes-files.ts'
import {
  type ContainersOf,
  groupsBelow,
  isOfContainerItself,
  nameOfGroup,
  placeOfGroup,
} from './program-classes-groups.ts'

/** More marks for sets of the table in force. False: the kernel refuses, or there is no such table. */
export type Extend = (
  fills: readonly { readonly set: string; readonly marks: readonly number[] }[],
) => boolean

export interface GenerationParts {
  readonly extend: Extend
  /** Sets of the table in force. */
  readonly standing: () => readonly ClassSet[]
  readonly containersOf: ContainersOf
}

/** One set of classes, as the kernel has it. */
export class ClassGeneration {
  readonly book: ClassBook
  readonly tables: ClassTables
  readonly #parts: GenerationParts
  /** So many classes of the book are in the tables and in the sets. */
  #written = 0
  readonly #kinds = new Map<string, number>()
  /** Control groups of containers that are in the tables. */
  readonly #containers = new Set<string>()

  /** Throws KernelError. */
  constructor(book: ClassBook, parts: GenerationParts) {
    this.book = book
    this.#parts = parts
    this.tables = new ClassTables(book.asksForGroups)
  }

  /** Units are known by their names before anything runs in them. */
  meetUnits(): void {
    for (const name of this.book.valuesOf('unit'))
      this.tables.setGroup(name, this.book.bitsOf({ units: [name] }))
    this.#publish()
  }

  /** All control groups that there are now, below `root`. Answers whether a container is new. Throws KernelError. */
  meetGroups(root: string): boolean {
    const { book } = this
    if (!book.asksForGroups) return false
    const { containersOf } = this.#parts
    let isNew = false
    for (const path of groupsBelow(root)) {
      book.meetGroups(book.bitsOf(placeOfGroup(path, containersOf)))
      if (book.asksFor('container') && this.#meetContainer(path)) isNew = true
    }
    this.#publish()
    return isNew
  }

  /** What is known of an executable by now. Answers whether it is of another kind than before. */
  learn(executable: KnownExecutable, facts: ProgramFacts): boolean {
    const kind = this.book.kindOf(facts)
    const key = keyText(executable)
    if (this.#kinds.get(key) === kind) return false
    this.#publish()
    try {
      this.tables.setExecutable(executable.identity, kind)
    } catch (refused) {
      // The table is full: it stays unknown.
      if (!(refused instanceof KernelError)) throw refused
      return false
    }
    this.#kinds.set(key, kind)
    return true
  }

  /** Of a process that runs this, in this control group. */
  markOf(executable: KnownExecutable | undefined, group: string | undefined): number {
    const kind = (executable && this.#kinds.get(keyText(executable))) ?? 0
    const bits = group === undefined ? 0n : this.book.bitsOf(placeOfGroup(group, this.#parts.containersOf))
    return this.book.markOf(bits, kind)
  }

  close(): void {
    this.tables.close()
  }

  #meetContainer(path: string): boolean {
    const { containersOf } = this.#parts
    if (this.#containers.has(path) || !isOfContainerItself(path, containersOf)) return false
    const bits = this.book.bitsOf({ containers: containersOf(path) })
    // Its engine may write down its name later.
    if (bits === 0n) return false
    this.#containers.add(path)
    this.tables.setGroup(nameOfGroup(path), bits)
    return true
  }

  /** First into the sets of the table in force, then into the tables that mark sockets. */
  #publish(): void {
    const fresh = this.book.classes.slice(this.#written)
    if (fresh.length === 0) return
    this.#written = this.book.classes.length
    const fills = this.#parts.standing().flatMap((set) => {
      const marks = fresh.filter((one) => this.book.isIn(one, set)).map(({ mark }) => mark)
      return marks.length > 0 ? [{ set: set.name, marks }] : []
    })
    if (fills.length > 0) this.#parts.extend(fills)
    for (const { groups, kind, mark } of fresh) this.tables.setClass(groups, kind, mark)
  }
}

const keyText = ({ identity: { device, inode, generation } }: KnownExecutable): string =>
  `${device} ${inode} ${generation}`
