import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { RuleClasses } from '#enforce/program-classes.ts'
import { parseCgroups } from '#identify/programs/cgroup.ts'
import { ContainerNames } from '#identify/programs/container-names.ts'
import { PackageFiles } from '#identify/programs/package-files.ts'
import { KernelError } from '#kernel/libc.ts'
import {
  conflictWith,
  filterMarks,
  isComparedWhole,
  type MarkUser,
  routingMarks,
} from '#kernel/mark-users.ts'
import { runProgram } from '#kernel/run.ts'
import type { Ip } from '#model/address.ts'
import type { ProgramFacts } from '#model/program-question.ts'
import type { RuleBook } from '#model/rule.ts'
import { isOfProgram } from '#policy/rules/program-conditions.ts'
import type { RuleWorld } from '#policy/rules/rule-reader.ts'
import { OpenSockets } from './open-sockets.ts'
import type { RuleSettings } from './settings.ts'

export interface RuleProgramsParts {
  readonly settings: Pick<RuleSettings, 'markMask' | 'strictPrograms' | 'pinFolder' | 'onCrash'>
  readonly stateFolder: string
  /** Name of the table of the rules. */
  readonly table: string
  /** The rules that are in force. */
  readonly book: () => RuleBook | undefined
  readonly namesOf: (address: Ip) => readonly string[]
  readonly now: () => number
  readonly say: (text: string) => void
  /** Folder of the control group whose programs are marked; absent: the root, which is everybody. */
  readonly cgroup?: string
}

/** Rules by program at work: who is of which class, and what to do about connections that slipped through. */
export interface RulePrograms {
  readonly classes: RuleClasses
  readonly world: Required<Pick<RuleWorld, 'programAt' | 'isPackage' | 'whyNoPrograms'>>
  /** What a program would be that lies at this path, as rules ask: with its hash, read now. */
  factsAt(path: string): ProgramFacts
  stop(): void
}

/** A program that is larger is not read while somebody waits. */
const MAX_HASHED_BYTES = 512 << 20
const PACKAGES_ASKED = 64
const HEAD_BYTES = 128

export function createRulePrograms(parts: RuleProgramsParts): RulePrograms {
  const { settings, stateFolder, table, say } = parts
  const mask = Number(settings.markMask)
  const packages = new PackageFiles({ run: runProgram })
  const names = new ContainerNames()
  const users = routingUsers()
  let conflict = conflictWith(mask, users)
  const sockets = new OpenSockets()
  const classes: RuleClasses = new RuleClasses({
    mask,
    isStrict: settings.strictPrograms,
    yields: isComparedWhole(mask, users),
    pins: join(settings.pinFolder, table),
    outlives: settings.onCrash === 'keep',
    say,
    ...(parts.cgroup !== undefined && { cgroup: parts.cgroup }),
    file: join(stateFolder, 'rules', 'classes.json'),
    containersOf: (path) => containersOf(path, names, parts.now()),
    filesOf: (name) => packages.filesOf(name),
    met(pids) {
      const book = parts.book()
      if (!book?.rules.some(({ conditions }) => conditions.some(isOfProgram))) return
      try {
        const closed = sockets.closeDenied({
          pids,
          book,
          at: parts.now(),
          namesOf: parts.namesOf,
          programOf: (pid) => classes.factsOf(pid),
        })
        if (closed > 0) say(closedText(closed))
      } catch (failed) {
        say(`Open connections of programs that the rules deny were not closed: ${(failed as Error).message}.`)
      }
    },
  })
  void filterMarks().then((found) => {
    conflict ??= conflictWith(mask, found)
  })
  return {
    classes,
    world: {
      programAt,
      isPackage: (name) => packages.isInstalled(name),
      whyNoPrograms: () => (conflict ? conflictText(conflict, settings.markMask) : classes.whyNot()),
    },
    factsAt: (path) => factsAt(path, { packages, book: parts.book() }),
    stop: () => sockets.close(),
  }
}

const closedText = (closed: number): string =>
  closed === 1
    ? 'An open connection of a program was closed: the rules deny it.'
    : `${closed} open connections of programs were closed: the rules deny them.`

function routingUsers(): MarkUser[] {
  try {
    return routingMarks()
  } catch (refused) {
    if (refused instanceof KernelError) return []
    throw refused
  }
}

const conflictText = ({ where }: MarkUser, mask: string): string =>
  `the bits ${mask} of marks are used by others (${where}); choose others with the setting rules.markMask`

/** Names and ids of the container that a control group belongs to. */
function containersOf(path: string, names: ContainerNames, now: number): readonly string[] {
  const { container } = parseCgroups(`0::${path}\n`)
  if (!container) return []
  const { id, name } = names.name(container, now)
  return name === undefined || name === id ? [id] : [id, name]
}

const SHEBANG = /^#! *(\S+)/

function programAt(path: string): { readonly path: string; readonly interpreter?: string } | undefined {
  try {
    const real = realpathSync(path)
    if (!statSync(real).isFile()) return undefined
    const [, interpreter] = SHEBANG.exec(headOf(real)) ?? []
    return interpreter === undefined ? { path: real } : { path: real, interpreter }
  } catch {
    return undefined
  }
}

function headOf(path: string): string {
  const fd = openSync(path, 'r')
  try {
    const head = Buffer.alloc(HEAD_BYTES)
    return head.subarray(0, readSync(fd, head)).toString('latin1')
  } finally {
    closeSync(fd)
  }
}

function factsAt(
  path: string,
  { packages, book }: { readonly packages: PackageFiles; readonly book: RuleBook | undefined },
): ProgramFacts {
  const real = programAt(path)?.path ?? path
  const asked = (book?.rules ?? []).flatMap(({ conditions }) => conditions.filter(isOfProgram))
  const wanted = asked
    .flatMap(({ kind, values }) => (kind === 'package' ? values : []))
    .slice(0, PACKAGES_ASKED)
  const sha256 = asked.some(({ kind }) => kind === 'sha256') ? hashOf(real) : undefined
  return {
    paths: [real],
    packages: wanted.filter((name) => packages.filesOf(name)?.has(real)),
    ...(sha256 !== undefined && { sha256 }),
  }
}

function hashOf(path: string): string | undefined {
  try {
    if (statSync(path).size > MAX_HASHED_BYTES) return undefined
    return createHash('sha256').update(readFileSync(path)).digest('hex')
  } catch {
    return undefined
  }
}
