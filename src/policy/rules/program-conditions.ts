import { PROGRAM_CONDITIONS, type ProgramConditionKind } from '#model/program-question.ts'
import type { Condition, Rule, RuleBook } from '#model/rule.ts'
import { complete, type Read, type Word } from './condition-words.ts'
import type { Path, RuleReader } from './rule-reader.ts'

const HASH = /^[0-9a-f]{64}$/
/** Debian's and RPM's names of packages. */
const PACKAGE = /^[A-Za-z0-9][A-Za-z0-9+._-]{0,127}$/
const UNIT = /^[^\s/]{1,255}\.(?:service|scope|slice)$/
const BARE_UNIT = /^[\w@:.\\-]{1,240}$/
const CONTAINER = /^[\w][\w.-]{0,127}$/
const MAX_PATH = 4_096
const MAX_VALUES = 64

/** Of the program at our end: who sends what is outbound, who listens to what is inbound. */
export const PROGRAM_READERS: Readonly<Record<string, Read>> = Object.fromEntries(
  PROGRAM_CONDITIONS.map((kind): [string, Read] => [
    kind,
    (reader, words) =>
      complete(
        bounded(reader, words),
        (word) => VALUE_READERS[kind](reader, word),
        (values) => ({ kind, values: [...new Set(values)] }),
      ),
  ]),
)

const VALUE_READERS: Readonly<
  Record<ProgramConditionKind, (reader: RuleReader, word: Word) => string | undefined>
> = { program: pathOf, sha256: hashOf, package: packageOf, unit: unitOf, container: containerOf }

function bounded(reader: RuleReader, words: readonly Word[]): readonly Word[] {
  const [last] = words.slice(MAX_VALUES)
  if (last) reader.wrong(last.path, `expected at most ${MAX_VALUES} values`, 'Use a pattern, such as /opt/*.')
  return words
}

function pathOf(reader: RuleReader, { value, path }: Word): string | undefined {
  const text = String(value)
  if (!/^[/*]/.test(text) || text.length > MAX_PATH || text.includes('\0')) {
    const hint = `Write the whole path, such as /usr/bin/curl, or a pattern: */${text.split('/').at(-1)}`
    return reader.unexpected(path, 'the path of a program', value, hint)
  }
  if (text.includes('*')) return text
  const found = reader.world.programAt?.(text)
  if (!reader.world.programAt) return text
  if (!found) {
    reader.doubt(
      path,
      `${text} is not there now`,
      'It counts as soon as it is; look whether the path is right.',
    )
    return text
  }
  if (found.interpreter !== undefined)
    reader.doubt(
      path,
      `${text} is a script: what runs is ${found.interpreter}, so this rule meets nothing`,
      'Name the interpreter, or the unit that the script runs in.',
    )
  return found.path
}

function hashOf(reader: RuleReader, { value, path }: Word): string | undefined {
  const text = String(value)
    .toLowerCase()
    .replace(/^sha256:/, '')
  if (HASH.test(text)) return text
  return reader.unexpected(path, '64 hexadecimal digits', value, 'Print them: sha256sum /usr/bin/curl')
}

function packageOf(reader: RuleReader, { value, path }: Word): string | undefined {
  const text = String(value)
  if (!PACKAGE.test(text))
    return reader.unexpected(path, 'the name of a package', value, 'Write it like curl.')
  if (reader.world.isPackage?.(text) === false)
    reader.doubt(path, `no package ${text} is installed`, 'It counts as soon as it is.')
  return text
}

function unitOf(reader: RuleReader, { value, path }: Word): string | undefined {
  const text = String(value)
  if (UNIT.test(text)) return text
  if (BARE_UNIT.test(text) && !/\.(?:socket|timer|target|mount|path|device|swap)$/.test(text))
    return `${text}.service`
  const hint = 'Write ssh.service, session-3.scope or user.slice.'
  return reader.unexpected(path, 'a service, scope or slice of systemd', value, hint)
}

function containerOf(reader: RuleReader, { value, path }: Word): string | undefined {
  const text = String(value)
  if (CONTAINER.test(text)) return text
  return reader.unexpected(path, 'the name or id of a container', value, 'Write it as docker ps shows it.')
}

/** Says when the rule is written what of it cannot be enforced, and what to do. */
export function refuseUnenforcedPrograms(
  reader: RuleReader,
  { conditions, directions }: Pick<Rule, 'conditions' | 'directions'>,
  path: Path,
): void {
  const asked = conditions.filter(isOfProgram)
  const [first] = asked
  if (!first) return
  const why = reader.world.whyNoPrograms?.()
  if (why !== undefined)
    reader.wrong(
      [...path, first.kind],
      `the condition ${first.kind} cannot be enforced here: ${why}`,
      'Use addresses, ports, interfaces or users, or switch the rule off with enabled: false.',
    )
  if (!directions.includes('inbound') && !directions.includes('outbound'))
    reader.wrong(
      [...path, first.kind],
      'packets that are forwarded are of no program of this machine',
      'Write direction: outbound or inbound, or name the address of who sends.',
    )
  else if (directions.includes('forward') && directions.length < 3)
    reader.doubt(
      [...path, 'direction'],
      'packets that are forwarded are of no program of this machine: there this rule meets nothing',
      'Leave forward out.',
    )
  if (asked.some(({ kind }) => kind === 'container'))
    reader.doubt(
      [...path, 'container'],
      'packets of a container with a network of its own are forwarded, and met by this rule neither way',
      'It is for containers on the network of the host; for others name their address with direction: forward.',
    )
}

/** The packet that ends a TCP handshake is for no socket yet: the kernel knows no program of it. */
export function warnOfJudgedHandshakes(reader: RuleReader, { established, rules }: RuleBook): void {
  const asksForListener = ({ enabled, directions, conditions }: Rule): boolean =>
    enabled && directions.includes('inbound') && conditions.some(isOfProgram)
  if (established !== 'judge' || !rules.some(asksForListener)) return
  reader.doubt(
    ['established'],
    'with judge, rules that ask which program listens miss the third packet of each TCP connection',
    'Write established: accept, or allow state: established in a rule before them.',
  )
}

type ProgramCondition = Extract<Condition, { readonly kind: ProgramConditionKind }>

/** Whether a condition asks for the program at our end. */
export const isOfProgram = (condition: Condition): condition is ProgramCondition =>
  PROGRAM_CONDITIONS.some((kind) => kind === condition.kind)
