import { Refused } from '#api/port.ts'
import type { RulesCheck } from '#contract/rules.ts'
import { RULE_DIRECTIONS, type RuleBook, type RuleProblem } from '#model/rule.ts'
import type { RuleProgram } from '#model/rule-program.ts'
import { compile } from '#policy/rules/compile.ts'
import { parseRules } from '#policy/rules/parse.ts'
import { describeProblem, type RuleWorld } from '#policy/rules/rule-reader.ts'
import type { RuleFiles } from './rule-files.ts'

/** The person's file as it is now, read. No file is an empty one. */
export interface RulesFile {
  readonly text: string
  readonly isUnreadable: boolean
  readonly book?: RuleBook | undefined
  readonly problems: readonly RuleProblem[]
}

export function readRulesFile(files: RuleFiles, world: RuleWorld): RulesFile {
  const text = files.read() ?? ''
  if (typeof text === 'string') {
    const { book, problems } = parseRules(text, files.file, world)
    return { text, isUnreadable: false, book, problems }
  }
  const problem: RuleProblem = {
    severity: 'error',
    origin: files.file,
    message: `this cannot be read: ${text.unreadable}`,
    hint: 'Give the path of a readable file.',
  }
  return { text: '', isUnreadable: true, problems: [problem] }
}

/** Why a file that is good is not taken at the start. */
export const neverConfirmed = (origin: string): RuleProblem => ({
  severity: 'error',
  origin,
  message: 'these rules were applied once, and nobody confirmed them',
  hint: 'Change them, or apply them again: gatehouse apply',
})

/** Throws `Refused` where the rules are wrong, the kernel does not take them, or they cut what is vital. */
export function refuseUnfit(
  { isValid, problems, cuts, refusedByKernel }: RulesCheck,
  isForced: boolean,
): void {
  const errors = problems.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) {
    throw new Refused(400, errors.slice(0, 5).map(describeProblem).join('\n'), 'The rules in force stay.')
  }
  if (!isValid)
    throw new Refused(409, refusedByKernel ?? 'The kernel refuses these rules.', 'The rules in force stay.')
  if (cuts.length === 0 || isForced) return
  const list = cuts.map(({ what, because }) => `${what} (${because})`).join('; ')
  throw new Refused(
    409,
    `These rules would cut ${list}.`,
    'Allow it first, or use --force; with --confirm 60s they go back by themselves.',
  )
}

/** Undefined where there is nothing to enforce: then the kernel is left alone. */
export const programOf = (book: RuleBook, at: number): RuleProgram | undefined =>
  isIdle(book) ? undefined : compile(book, at)

const isIdle = ({ rules, defaults }: RuleBook): boolean =>
  rules.length === 0 && RULE_DIRECTIONS.every((direction) => defaults[direction] === 'allow')

export const countOf = ({ rules }: RuleBook): string =>
  rules.length === 1 ? '1 rule is' : `${rules.length} rules are`
