import { type PlacedYaml, parsePlacedYaml } from '#lib/placed-yaml.ts'
import {
  type NamedList,
  type PortSpan,
  RULE_DIRECTIONS,
  type RuleBook,
  type RuleDirection,
  type RulePolicy,
  type RuleProblem,
} from '#model/rule.ts'
import { type AddressSpan, joinSpans, parseAddressSpan, parsePlainList } from './address-spans.ts'
import { warnOfJudgedHandshakes } from './program-conditions.ts'
import { parsePortSpan } from './read-conditions.ts'
import { readRule } from './read-rule.ts'
import { isGroup, type Path, RuleReader, type RuleWorld } from './rule-reader.ts'
import { joinPorts, POLICY_WORDS, SERVICES } from './words.ts'

const TOP_KEYS = ['defaults', 'established', 'essentials', 'lists', 'rules'] as const
const LIST_NAME = /^[a-z][a-z0-9_-]{0,31}$/
const MAX_RULES = 20_000

/** A rules file as it was read: a book to enforce, or what is wrong with it. Warnings come with both. */
export interface ParsedRules {
  readonly book?: RuleBook
  readonly problems: readonly RuleProblem[]
  readonly yaml: PlacedYaml
}

export const EMPTY_BOOK: RuleBook = {
  defaults: { inbound: 'allow', outbound: 'allow', forward: 'allow' },
  established: 'accept',
  essentials: 'accept',
  lists: [],
  rules: [],
}

/** Reads a rules file (YAML or JSON). Never throws: all that is wrong is in `problems`, each with its place. */
export function parseRules(text: string, origin: string, world: RuleWorld): ParsedRules {
  const yaml = parsePlacedYaml(text)
  const reader = new RuleReader(yaml, origin, world)
  const { values } = yaml
  if (!isGroup(values)) {
    if (!reader.hasErrors)
      reader.unexpected([], 'the groups defaults, lists and rules', values, 'See docs/rules.md.')
    return { problems: reader.problems, yaml }
  }
  reader.checkKeys([], values, TOP_KEYS, 'group of rules')
  const lists = readLists(reader, values['lists'])
  const book: RuleBook = {
    defaults: readDefaults(reader, values['defaults']),
    established: readEither(reader, values['established'], 'established'),
    essentials: readEither(reader, values['essentials'], 'essentials'),
    lists,
    rules: readRules(reader, values['rules']),
  }
  warnOfJudgedHandshakes(reader, book)
  return { problems: reader.problems, yaml, ...(!reader.hasErrors && { book }) }
}

function readDefaults(reader: RuleReader, value: unknown): Record<RuleDirection, RulePolicy> {
  const defaults: Record<RuleDirection, RulePolicy> = { ...EMPTY_BOOK.defaults }
  if (value === undefined || value === null) return defaults
  if (!isGroup(value)) {
    reader.unexpected(
      ['defaults'],
      'inbound, outbound and forward',
      value,
      'Write inbound: deny, for example.',
    )
    return defaults
  }
  reader.checkKeys(['defaults'], value, RULE_DIRECTIONS, 'direction')
  for (const direction of RULE_DIRECTIONS) {
    const word = value[direction]
    const policy = POLICY_WORDS.find((known) => known === word)
    if (policy) defaults[direction] = policy
    else if (word !== undefined) reader.notAmong(['defaults', direction], word, POLICY_WORDS)
  }
  return defaults
}

function readEither(
  reader: RuleReader,
  value: unknown,
  key: 'established' | 'essentials',
): 'accept' | 'judge' {
  if (value === undefined || value === 'accept' || value === 'judge') return value ?? 'accept'
  reader.notAmong([key], value, ['accept', 'judge'])
  return 'accept'
}

function readLists(reader: RuleReader, value: unknown): NamedList[] {
  if (value === undefined || value === null) return []
  if (!isGroup(value)) {
    reader.unexpected(
      ['lists'],
      'names with their addresses or ports',
      value,
      'Write office: [192.0.2.0/24].',
    )
    return []
  }
  for (const [name, entries] of Object.entries(value)) {
    const list = readList(reader, name, entries)
    if (list) reader.lists.set(name, list)
  }
  return [...reader.lists.values()]
}

function readList(reader: RuleReader, name: string, value: unknown): NamedList | undefined {
  const path = ['lists', name]
  if (!LIST_NAME.test(name) || SERVICES[name] || name === 'any') {
    const hint = 'Use a lowercase word of letters, digits, - and _ that is no service.'
    return reader.unexpected(path, 'the name of a list', name, hint)
  }
  if (isGroup(value)) return readListFile(reader, name, value)
  if (!Array.isArray(value) || value.length === 0) {
    return reader.unexpected(
      path,
      'a list of addresses or of ports',
      value,
      'Write [192.0.2.0/24] or [80, 443].',
    )
  }
  const isPorts = parsePortSpan(String(value[0])) !== undefined
  return isPorts ? readPortList(reader, name, value) : readAddressList(reader, name, value)
}

function readPortList(reader: RuleReader, name: string, values: readonly unknown[]): NamedList {
  const spans = values.flatMap((value, at): PortSpan[] => {
    const span = parsePortSpan(String(value))
    if (!span)
      reader.unexpected(['lists', name, at], 'a port like the others', value, 'Write 443 or 8000-8080.')
    return span ? [span] : []
  })
  return { name, holds: 'ports', spans: joinPorts(spans), count: values.length }
}

function readAddressList(reader: RuleReader, name: string, values: readonly unknown[]): NamedList {
  const spans = values.flatMap((value, at): AddressSpan[] => {
    const span = parseAddressSpan(String(value))
    const hint = 'Write it like 192.0.2.7, 192.0.2.0/24, 192.0.2.1-192.0.2.9 or 2001:db8::/32.'
    if (!span) reader.unexpected(['lists', name, at], 'an address or a range', value, hint)
    return span ? [span] : []
  })
  return { name, holds: 'addresses', spans: joinSpans(spans), count: values.length }
}

/** A plain list of addresses in a file of its own: `{ file: /path }`. */
function readListFile(
  reader: RuleReader,
  name: string,
  value: Record<string, unknown>,
): NamedList | undefined {
  const path: Path = ['lists', name, 'file']
  reader.checkKeys(['lists', name], value, ['file'], 'word')
  const file = value['file']
  if (typeof file !== 'string' || !file.startsWith('/')) {
    return reader.unexpected(path, 'the whole path of a file', file, 'Write file: /etc/gatehouse/bad.txt')
  }
  const text = reader.world.listText(file)
  if (text === undefined) {
    return reader.wrong(path, `${file} cannot be read`, 'Look whether it is there and readable, up to 64 MB.')
  }
  const { spans, count, unreadable } = parsePlainList(text)
  for (const { line, text: word } of unreadable) {
    reader.doubt(
      path,
      `line ${line} of ${file} is left out: ${JSON.stringify(word)} is no address`,
      'Correct it.',
    )
  }
  return { name, holds: 'addresses', spans, count }
}

function readRules(reader: RuleReader, value: unknown): RuleBook['rules'] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) {
    reader.unexpected(['rules'], 'a list of rules', value, 'Begin each rule with a dash.')
    return []
  }
  if (value.length > MAX_RULES) {
    reader.wrong(
      ['rules'],
      `expected at most ${MAX_RULES} rules, found ${value.length}`,
      'Use lists of addresses.',
    )
    return []
  }
  const ids = new Map<string, number>()
  return value.flatMap((item, at) => {
    const rule = readRule(reader, item, at)
    if (!rule) return []
    const other = ids.get(rule.id)
    if (other !== undefined)
      reader.wrong(['rules', at, 'id'], `rule ${other} has the id ${rule.id} too`, 'Give each its own.')
    ids.set(rule.id, rule.number)
    return [rule]
  })
}
