import { removePins } from '#kernel/bpf/class-marks.ts'
import { EventView } from '#kernel/bpf/event.ts'
import { KernelError } from '#kernel/libc.ts'
import { ProcFds } from '#kernel/proc-fds.ts'
import { markSockets } from '#kernel/socket-marks.ts'
import { type ProgramFacts, type ProgramQuestion, questionKey } from '#model/program-question.ts'
import type { RuleProgram } from '#model/rule-program.ts'
import { ClassBook, withMarks } from './program-classes-book.ts'
import type { KnownExecutable, KnownExecutables } from './program-classes-files.ts'
import { ClassGeneration, type Extend } from './program-classes-generation.ts'
import { type ContainersOf, groupOf, placeOfGroup } from './program-classes-groups.ts'
import { installedPrograms } from './program-classes-installed.ts'
import {
  ClassesUnavailable,
  type ClassKernel,
  type ClassKernelOptions,
  openClassKernel,
  unavailable,
} from './program-classes-kernel.ts'
import { type RememberedClasses, readClasses, writeClasses } from './program-classes-memory.ts'
import type { Refusal } from './refusal.ts'

export interface RuleClassesOptions extends ClassKernelOptions {
  /** Where is remembered which classes are in force. */
  readonly file: string
  readonly containersOf: ContainersOf
  /** The files of a package; undefined as long as nobody knows. */
  readonly filesOf: (name: string) => ReadonlySet<string> | undefined
  readonly say: (text: string) => void
  /** These processes were of another class when they opened what they have. */
  readonly met: (pids: readonly number[]) => void
}

const SWEEP_EVERY = 4

/**
 * Tells programs apart for rules: each program's class stands in the mark of its sockets, and in the sets of the rules
 * that ask for it. A class gets its place in the sets before any socket is marked by it.
 */
export class RuleClasses {
  readonly #options: RuleClassesOptions
  readonly #fds = new ProcFds()
  readonly #event = new EventView()
  #extend: Extend = () => false
  #opened: ClassKernel | undefined
  #generation: ClassGeneration | undefined
  /** Sets of the table in force; at first of an earlier run. */
  #standing: RememberedClasses
  /** Executables of which more is known than when their processes opened sockets. */
  readonly #restless = new Set<KnownExecutable>()
  #isQuiet = false
  #isKept = false
  #lacksPackages = false
  #turn = 0
  #refusal: Refusal | undefined
  #missed: string | undefined
  #whyNot: string | undefined | 'not asked' = 'not asked'
  #installing: { stop(): void } | undefined

  constructor(options: RuleClassesOptions) {
    this.#options = options
    this.#standing = readClasses(options.file)
  }

  connect(extend: Extend): void {
    this.#extend = extend
  }

  /** Why no rule can ask for programs here. Looks once, which takes some 100 ms. */
  whyNot(): string | undefined {
    if (this.#opened) return undefined
    if (this.#whyNot !== 'not asked') return this.#whyNot
    this.#whyNot = undefined
    try {
      this.#open().rehearse()
    } catch (refused) {
      if (!(refused instanceof ClassesUnavailable)) throw refused
      this.#whyNot = refused.message
    } finally {
      if (!this.#generation) this.#shut(false)
    }
    return this.#whyNot
  }

  /** The program with its sets, still empty: for a rehearsal. */
  emptied(program: RuleProgram): RuleProgram {
    return withMarks(program, this.#options.mask, () => [])
  }

  /**
   * The program with its sets as they are now. From then on programs are told apart by all that it and `also` ask for.
   * Where that cannot be the sets are empty: rules by program match nothing, and `trouble` says why.
   */
  filled(program: RuleProgram, also?: RuleProgram): RuleProgram {
    const asked = [...(program.classes ?? []), ...(also?.classes ?? [])].map(({ question }) => question)
    if (asked.length > 0 && !this.#tryToCover(asked)) return this.emptied(program)
    return withMarks(program, this.#options.mask, (set) => this.#generation?.book.marksOf(set) ?? [])
  }

  /** What comes into force next is on trial: these may come back without us. */
  keepFor(before: RuleProgram | undefined): void {
    this.#isKept = (before?.classes ?? []).length > 0
  }

  /** The table that the program describes is in force. */
  took(program: RuleProgram | undefined): void {
    const isKept = this.#isKept
    this.#isKept = false
    const sets = program?.classes ?? []
    const isSame = JSON.stringify(sets) === JSON.stringify(this.#standing.sets)
    this.#standing = { ...this.#standing, sets }
    if (!isSame) this.#remember()
    if (sets.length > 0) {
      // Other rules may deny what is open.
      setImmediate(() => this.#options.met(this.#fds.pids()))
      return
    }
    if (isKept) return
    this.#shut(false)
    removePins(this.#options.pins)
  }

  /** Finds what no event told of. Called several times a second, it looks at every fourth. */
  sweep(): void {
    const [generation, files] = [this.#generation, this.#opened?.files]
    if (!generation || !files || this.#turn++ % SWEEP_EVERY !== 0) return
    this.#lookOut(() => {
      // The files of a package may be known by now.
      if (this.#lacksPackages && this.#packagesOf([])) files.tellAll()
      for (const pid of this.#fds.pids()) files.look(`/proc/${pid}/exe`)
      this.#meetGroups(generation)
      this.#settle()
    })
  }

  /** Of a process, as far as it is known. */
  factsOf(pid: number): ProgramFacts {
    const executable = this.#opened?.files.look(`/proc/${pid}/exe`)
    const group = groupOf(pid)
    return {
      ...(executable && this.#factsOfFile(executable)),
      ...(group !== undefined && placeOfGroup(group, this.#options.containersOf)),
    }
  }

  get trouble(): Refusal | undefined {
    if (this.#refusal) return this.#refusal
    if (this.#missed !== undefined) {
      const reason = `not all programs are told apart: ${this.#missed}`
      return { reason, remedy: 'Gatehouse tries again each second; `sudo dmesg` may say more' }
    }
    if (!this.#generation?.book.isFull) return undefined
    return {
      reason:
        'more different programs were met than rules.markMask has classes for: those beyond count as unknown',
      remedy: 'Ask for fewer programs one by one, use patterns, or give rules.markMask more bits',
    }
  }

  /** `keep`: sockets are marked without us, as far as programs are known now. */
  stop(keep: boolean): void {
    this.#shut(keep)
  }

  #open(): ClassKernel {
    this.#opened ??= openClassKernel(this.#options, {
      asksForHash: () => this.#generation?.book.asksFor('sha256') === true,
      learned: this.#learned,
      started: this.#started,
    })
    return this.#opened
  }

  #tryToCover(asked: readonly ProgramQuestion[]): boolean {
    this.#refusal = undefined
    try {
      this.#cover(asked)
      return true
    } catch (refused) {
      if (!(refused instanceof ClassesUnavailable)) throw refused
      const reason = `rules by program match nothing, because programs cannot be told apart: ${refused.message}`
      this.#refusal = { reason, remedy: refused.remedy }
      return false
    }
  }

  #cover(asked: readonly ProgramQuestion[]): void {
    if (this.#generation?.book.covers(asked)) return
    const { hooks, files } = this.#open()
    const { mask } = this.#options
    const half = this.#standing.half === 0 ? 1 : 0
    const standing = this.#standing.sets.map(({ question }) => question)
    const before = this.#generation
    const book = new ClassBook({ questions: distinct([...standing, ...asked]), mask, half })
    const next = this.#newGeneration(book)
    try {
      this.#generation = next
      this.#isQuiet = true
      files.tellAll()
      this.#seed(next)
      // The table in force has all classes by now: whichever marks a socket bears, old or new, it is judged as before.
      hooks.run(next.tables)
      before?.close()
    } catch (refused) {
      next.close()
      this.#generation = before
      throw unavailable(refused)
    } finally {
      this.#isQuiet = false
    }
    this.#standing = { ...this.#standing, half }
    this.#remember()
    for (const pid of this.#fds.pids()) this.#mark(pid)
    this.#seedInstalled(files)
  }

  #newGeneration(book: ClassBook): ClassGeneration {
    try {
      return new ClassGeneration(book, {
        extend: (fills) => this.#extend(fills),
        standing: () => this.#standing.sets,
        containersOf: this.#options.containersOf,
      })
    } catch (refused) {
      throw unavailable(refused)
    }
  }

  #seed(generation: ClassGeneration): void {
    const { book } = generation
    generation.meetUnits()
    for (const path of book.valuesOf('program')) if (!path.includes('*')) this.#opened?.files.look(path)
    for (const pid of this.#fds.pids()) this.#opened?.files.look(`/proc/${pid}/exe`)
    this.#meetGroups(generation)
  }

  /** Programs that lie where programs lie are known before they first run, but for their hash. */
  #seedInstalled(files: KnownExecutables): void {
    this.#installing?.stop()
    const book = this.#generation?.book
    if (!book?.asksForFiles) return
    const patterns = book.valuesOf('program').filter((value) => value.includes('*'))
    const brought = book.valuesOf('package').flatMap((name) => [...(this.#options.filesOf(name) ?? [])])
    this.#installing = installedPrograms({ patterns, brought }, (path) => {
      this.#isQuiet = true
      files.look(path, 'without hash')
      this.#isQuiet = false
    })
  }

  readonly #started = (view: DataView, start: number, length: number): void => {
    const event = this.#event
    if (!this.#opened || !event.moveTo(view, start, length)) return
    const { pid, filename } = event
    const { files } = this.#opened
    this.#lookOut(() => {
      const seen = files.look(`/proc/${pid}/exe`)
      // It is over already: by the name that it was started by, so that it is known the next time.
      if (!seen && filename.startsWith('/')) files.look(filename)
      this.#settle()
    })
  }

  /** What the kernel refuses is told, and tried again. */
  #lookOut(act: () => void): void {
    try {
      act()
      this.#missed = undefined
    } catch (refused) {
      if (!(refused instanceof KernelError)) throw refused
      this.#missed = refused.message
    }
  }

  /** For a process that takes over from us. A full disk must not keep good rules from being enforced. */
  #remember(): void {
    try {
      writeClasses(this.#options.file, this.#standing)
    } catch (failed) {
      this.#options.say(`Which programs are told apart could not be remembered: ${(failed as Error).message}`)
    }
  }

  readonly #learned = (executable: KnownExecutable): void => {
    const generation = this.#generation
    if (!generation) return
    const facts = this.#factsOfFile(executable)
    // Strict: as long as its hash is not known, it is not known at all.
    if (this.#options.isStrict && generation.book.asksFor('sha256') && facts.sha256 === undefined) return
    if (!generation.learn(executable, facts)) return
    if (this.#isQuiet) return
    this.#restless.add(executable)
    // Hashes come at any time.
    setImmediate(() => this.#lookOut(() => this.#settle()))
  }

  /** What the processes of these executables opened before they were known is judged as if they opened it now. */
  #settle(): void {
    if (this.#restless.size === 0 || !this.#opened) return
    const { files } = this.#opened
    const pids = this.#fds.pids().filter((pid) => {
      const executable = files.look(`/proc/${pid}/exe`)
      return executable && this.#restless.has(executable)
    })
    this.#restless.clear()
    for (const pid of pids) this.#mark(pid)
    if (pids.length > 0) this.#options.met(pids)
  }

  #meetGroups(generation: ClassGeneration): void {
    const root = this.#opened?.root
    if (!root || !generation.meetGroups(`/proc/self/fd/${root.fd}`) || this.#isQuiet) return
    for (const pid of this.#fds.pids()) this.#mark(pid)
  }

  #mark(pid: number): void {
    if (!this.#generation || !this.#opened) return
    const executable = this.#opened.files.look(`/proc/${pid}/exe`)
    const group = this.#generation.book.asksForGroups ? groupOf(pid) : undefined
    const mark = this.#generation.markOf(executable, group)
    const { mask, yields } = this.#options
    markSockets(pid, mark, { mask, yields, netns: this.#opened.hooks.netns })
  }

  #factsOfFile({ paths, sha256 }: KnownExecutable): ProgramFacts {
    const packages = this.#packagesOf(paths)
    return { paths, ...(packages && { packages }), ...(sha256 !== undefined && { sha256 }) }
  }

  /** Of those that are asked for; undefined as long as the files of one are not known. */
  #packagesOf(paths: readonly string[]): readonly string[] | undefined {
    const found: string[] = []
    this.#lacksPackages = false
    for (const name of this.#generation?.book.valuesOf('package') ?? []) {
      const files = this.#options.filesOf(name)
      if (!files) {
        this.#lacksPackages = true
        return undefined
      }
      if (paths.some((path) => files.has(path))) found.push(name)
    }
    return found
  }

  #end(opened: ClassKernel, keep: boolean): void {
    try {
      opened.close(keep)
    } catch (refused) {
      if (!(refused instanceof KernelError)) throw refused
      this.#options.say(
        `Rules by program match nothing from now on, though the rules stay: ${refused.message}.`,
      )
    }
  }

  #shut(keep: boolean): void {
    this.#installing?.stop()
    this.#installing = undefined
    const opened = this.#opened
    if (!opened) return
    this.#end(opened, keep)
    this.#generation?.close()
    this.#opened = undefined
    this.#generation = undefined
    this.#restless.clear()
  }
}

function distinct(questions: readonly ProgramQuestion[]): ProgramQuestion[] {
  return [...new Map(questions.map((question) => [questionKey(question), question])).values()]
}
