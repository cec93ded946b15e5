import type { Owner } from './owner.ts'

export const PROGRAM_CONDITIONS = ['program', 'sha256', 'package', 'unit', 'container'] as const

export type ProgramConditionKind = (typeof PROGRAM_CONDITIONS)[number]

/** What a condition asks of the program at our end: that one of the values is true of it. */
export interface ProgramQuestion {
  readonly kind: ProgramConditionKind
  /** Paths (with `*` for anything), hashes in lowercase, names of packages, units, names or ids of containers. */
  readonly values: readonly string[]
}

/** A program as far as it is known: what is absent is not known, an empty list is known to be none. */
export interface ProgramFacts {
  /** All that one file is reached by, where it has several names. */
  readonly paths?: readonly string[]
  readonly sha256?: string
  readonly packages?: readonly string[]
  /** Its control group and all above it that are units. */
  readonly units?: readonly string[]
  /** Names and ids of the containers that it runs in. */
  readonly containers?: readonly string[]
  /** Absent: it is asked of the program itself, as the kernel does, and sure. */
  readonly known?: Pick<Owner, 'source' | 'confidence'>
}

/** The same text for the same question. */
export const questionKey = ({ kind, values }: ProgramQuestion): string =>
  `${kind} ${[...values].sort().join('\n')}`

/** Whether it asks for the file that runs; else for where it runs. */
export const asksForFile = ({ kind }: ProgramQuestion): boolean => kind !== 'unit' && kind !== 'container'

/** `undefined`: not enough is known of the program. */
export function answerTo({ kind, values }: ProgramQuestion, facts: ProgramFacts): boolean | undefined {
  switch (kind) {
    case 'program':
      return facts.paths?.some((path) => values.some((wanted) => isPathLike(path, wanted)))
    case 'sha256':
      return facts.sha256 === undefined ? undefined : values.includes(facts.sha256)
    case 'package':
      return facts.packages?.some((name) => values.includes(name))
    case 'unit':
      return facts.units?.some((name) => values.includes(name))
    case 'container':
      return facts.containers?.some((name) => values.some((wanted) => isContainer(name, wanted)))
  }
}

/** A `*` stands for anything, slashes too. */
export function isPathLike(path: string, wanted: string): boolean {
  const [first = '', ...rest] = wanted.split('*')
  const last = rest.pop()
  if (last === undefined) return path === wanted
  if (!path.startsWith(first) || path.length < first.length + last.length || !path.endsWith(last))
    return false
  let at = first.length
  const end = path.length - last.length
  for (const part of rest) {
    const found = path.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

const MIN_SHORT_ID = 12
const FULL_ID = /^[0-9a-f]{64}$/

/** Engines show the first twelve digits of an id. */
export const isContainer = (nameOrId: string, wanted: string): boolean =>
  nameOrId === wanted ||
  (wanted.length >= MIN_SHORT_ID && FULL_ID.test(nameOrId) && nameOrId.startsWith(wanted))
