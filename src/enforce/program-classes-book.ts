import {
  answerTo,
  asksForFile,
  type ProgramFacts,
  type ProgramQuestion,
  questionKey,
} from '#model/program-question.ts'
import type { ClassSet, RuleProgram } from '#model/rule-program.ts'

/** What programs may be told apart by: more questions about groups have no bit. */
const MAX_GROUP_QUESTIONS = 64
/** However wide the mask: each class is an element of every set that it belongs to. */
const MAX_CLASSES = 4_096

/** One distinct set of answers: programs that give the same answers are of one class. */
export interface ProgramClass {
  /** Bits of the questions about groups that are true. */
  readonly groups: bigint
  /** Of the executable; 0: nobody has seen it yet. */
  readonly kind: number
  /** The class, shifted to where the mask has it. */
  readonly mark: number
}

export interface ClassBookOptions {
  readonly questions: readonly ProgramQuestion[]
  readonly mask: number
  /** Two books that follow each other take numbers of different halves: a mark of the one is none of the other. */
  readonly half: 0 | 1
}

/** Numbers for classes, handed out as programs are met. Pure: what it says is written elsewhere. */
export class ClassBook {
  readonly classes: ProgramClass[] = []
  readonly #files: readonly ProgramQuestion[]
  readonly #groups: readonly ProgramQuestion[]
  readonly #keys: ReadonlySet<string>
  readonly #shift: number
  readonly #last: number
  #next: number
  /** Answers of executables; the first knows nothing. */
  readonly #kinds: string[]
  readonly #bits = new Set<bigint>([0n])
  #isFull = false

  constructor({ questions, mask, half }: ClassBookOptions) {
    this.#files = questions.filter(asksForFile)
    this.#groups = questions.filter((question) => !asksForFile(question)).slice(0, MAX_GROUP_QUESTIONS)
    this.#keys = new Set([...this.#files, ...this.#groups].map(questionKey))
    this.#shift = shiftOf(mask)
    const numbers = mask >>> this.#shift
    const first = Math.floor(numbers / 2)
    this.#next = half === 0 ? 1 : first + 1
    this.#last = Math.min(half === 0 ? first : numbers, this.#next + MAX_CLASSES - 1)
    this.#kinds = ['?'.repeat(this.#files.length)]
    this.#fill(0n, 0)
    // One name may be asked for by several rules, each with others beside it.
    for (const name of this.valuesOf('unit')) this.meetGroups(this.bitsOf({ units: [name] }))
    for (const name of this.valuesOf('container')) this.meetGroups(this.bitsOf({ containers: [name] }))
  }

  /** More different programs were met than the mask has numbers for: those beyond are of no class. */
  get isFull(): boolean {
    return this.#isFull
  }

  get asksForFiles(): boolean {
    return this.#files.length > 0
  }

  get asksForGroups(): boolean {
    return this.#groups.length > 0
  }

  get questions(): readonly ProgramQuestion[] {
    return [...this.#files, ...this.#groups]
  }

  asksFor(kind: ProgramQuestion['kind']): boolean {
    return this.valuesOf(kind).length > 0
  }

  /** All that is asked for of this kind. */
  valuesOf(wanted: ProgramQuestion['kind']): readonly string[] {
    return this.questions.flatMap(({ kind, values }) => (kind === wanted ? values : []))
  }

  covers(questions: readonly ProgramQuestion[]): boolean {
    return questions.every((question) => this.#keys.has(questionKey(question)))
  }

  /** The kind of an executable; 0 as long as nothing that is asked for is known of it. New classes are in `classes`. */
  kindOf(facts: ProgramFacts): number {
    const answers = this.#files.map((question) => letterOf(answerTo(question, facts))).join('')
    const known = this.#kinds.indexOf(answers)
    if (known >= 0) return known
    const kind = this.#kinds.push(answers) - 1
    for (const bits of this.#bits) this.#fill(bits, kind)
    return kind
  }

  /** The bits of what is true of a place; those of a name alone when `facts` has nothing else. */
  bitsOf(facts: ProgramFacts): bigint {
    return this.#groups.reduce(
      (bits, question, at) => (answerTo(question, facts) === true ? bits | (1n << BigInt(at)) : bits),
      0n,
    )
  }

  /** A place with these bits was seen. New classes are in `classes`. */
  meetGroups(bits: bigint): void {
    if (this.#bits.has(bits)) return
    this.#bits.add(bits)
    for (const kind of this.#kinds.keys()) this.#fill(bits, kind)
  }

  markOf(groups: bigint, kind: number): number {
    return this.classes.find((one) => one.groups === groups && one.kind === kind)?.mark ?? 0
  }

  /** Whether a class belongs into a set. */
  isIn({ groups, kind }: ProgramClass, { question, isTrue }: ClassSet): boolean {
    return this.#answer(groups, kind, questionKey(question)) === isTrue
  }

  /** All marks of a set, ascending. */
  marksOf(set: ClassSet): number[] {
    return this.classes.filter((one) => this.isIn(one, set)).map(({ mark }) => mark)
  }

  #answer(groups: bigint, kind: number, key: string): boolean | undefined {
    const group = this.#groups.findIndex((question) => questionKey(question) === key)
    if (group >= 0) return ((groups >> BigInt(group)) & 1n) === 1n
    const file = this.#files.findIndex((question) => questionKey(question) === key)
    const letter = this.#kinds[kind]?.[file]
    return letter === 'y' ? true : letter === 'n' ? false : undefined
  }

  #fill(groups: bigint, kind: number): void {
    // Nothing is known and nothing is asked of where it runs: that is no class.
    if (kind === 0 && this.#groups.length === 0) return
    if (this.#next > this.#last) {
      this.#isFull = true
      return
    }
    this.classes.push({ groups, kind, mark: (this.#next++ << this.#shift) >>> 0 })
  }
}

/** The program as a table can be written of it: with its sets of classes among the others. */
export function withMarks(
  program: RuleProgram,
  markMask: number,
  marksOf: (set: ClassSet) => readonly number[],
): RuleProgram {
  const { classes = [], sets } = program
  if (classes.length === 0) return program
  const filled = classes.map((set) => ({
    name: set.name,
    holds: 'mark' as const,
    spans: marksOf(set).flatMap((mark) => [mark, mark]),
  }))
  return { ...program, sets: [...sets, ...filled], markMask }
}

const letterOf = (answer: boolean | undefined): string => (answer === undefined ? '?' : answer ? 'y' : 'n')

/** Where the lowest bit of the mask is. */
const shiftOf = (mask: number): number => 31 - Math.clz32(mask & -mask)
