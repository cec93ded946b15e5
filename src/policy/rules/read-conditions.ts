import { nearestWord } from '#lib/nearest-word.ts'
import { parseDomain } from '#model/domain.ts'
import { CONNECTION_STATES, type Condition, type ConnectionState, type PortSpan } from '#model/rule.ts'
import { type AddressSpan, joinSpans, parseAddressSpan, spansIn } from './address-spans.ts'
import { type Body, complete, few, type Read, type Word } from './condition-words.ts'
import { DOMAIN_READERS } from './domain-conditions.ts'
import { OWNER_READERS } from './owner-conditions.ts'
import { PLACE_READERS } from './place-conditions.ts'
import { PROGRAM_READERS } from './program-conditions.ts'
import { REPUTATION_READERS } from './reputation-conditions.ts'
import { isGroup, type Path, type RuleReader } from './rule-reader.ts'
import { ICMP_TYPE_WORDS, icmpTypesOf, joinPorts, PROTOCOL_WORDS, SERVICES } from './words.ts'

const MAX_PORT = 65_535
/** IFNAMSIZ is 16 with its closing zero (linux/if.h); no slash, no space (dev_valid_name). */
const INTERFACE_NAME = /^[^\s/:]{1,15}$/

const READERS: Readonly<Record<string, Read>> = {
  protocol: (reader, words) =>
    complete(
      words,
      ({ value, path }) => protocolsOf(reader, value, path),
      (protocols) => ({
        kind: 'protocol',
        protocols: [...new Set(protocols.flat())].sort((a, b) => a - b),
      }),
    ),
  from: (reader, words) => addresses(reader, words, 'source'),
  to: (reader, words) => addresses(reader, words, 'target'),
  port: (reader, words) => ports(reader, words, 'targetPort'),
  sourcePort: (reader, words) => ports(reader, words, 'sourcePort'),
  icmpType: (reader, words) =>
    complete(
      words,
      ({ value, path }) => icmpTypes(reader, value, path),
      (types) => ({
        kind: 'icmpType',
        types: types.flat(),
      }),
    ),
  interface: (reader, words) => interfaces(reader, words, 'interface'),
  toInterface: (reader, words) => interfaces(reader, words, 'toInterface'),
  state: (reader, words) =>
    complete(
      words,
      ({ value, path }) => stateOf(reader, value, path),
      (states) => ({
        kind: 'state',
        states: [...new Set(states)],
      }),
    ),
  user: (reader, words) =>
    complete(
      few(reader, words, 'users'),
      ({ value, path }) => uidOf(reader, value, path),
      (uids) => ({
        kind: 'user',
        uids: [...new Set(uids)],
      }),
    ),
  ...PLACE_READERS,
  ...DOMAIN_READERS,
  ...PROGRAM_READERS,
  ...OWNER_READERS,
  ...REPUTATION_READERS,
}

/** The keys of a rule that ask something of a packet. */
export const CONDITION_KEYS: readonly string[] = Object.keys(READERS)

/** Reads all conditions of a rule. */
export function readConditions(
  reader: RuleReader,
  rule: Readonly<Record<string, unknown>>,
  path: Path,
): Condition[] {
  return CONDITION_KEYS.flatMap((key): Condition[] => {
    const written = rule[key]
    if (written === undefined || written === null) return []
    const { not, value, path: valuePath } = unwrapped(reader, written, [...path, key])
    const words = wordsOf(value, valuePath)
    if (words.length === 0) {
      reader.wrong(valuePath, 'expected at least one value, found none', 'Write one, or remove the key.')
      return []
    }
    const body = READERS[key]?.(reader, words, valuePath)
    const text = words.map((word) => String(word.value)).join(', ')
    return body ? [{ ...body, not, text: text.slice(0, MAX_TEXT) } as Condition] : []
  })
}

const MAX_TEXT = 120

/** `{ not: value }` turns a condition round. */
function unwrapped(
  reader: RuleReader,
  written: unknown,
  path: Path,
): { readonly not: boolean; readonly value: unknown; readonly path: Path } {
  if (!isGroup(written)) return { not: false, value: written, path }
  reader.checkKeys(path, written, ['not'], 'word')
  return { not: true, value: written['not'], path: [...path, 'not'] }
}

const wordsOf = (value: unknown, path: Path): Word[] =>
  Array.isArray(value)
    ? value.map((item, at) => ({ value: item, path: [...path, at] }))
    : value === undefined || value === null
      ? []
      : [{ value, path }]

function protocolsOf(reader: RuleReader, value: unknown, path: Path): readonly number[] | undefined {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255) return [value]
  const word = String(value).toLowerCase()
  if (/^\d{1,3}$/.test(word) && Number(word) <= 255) return [Number(word)]
  return PROTOCOL_WORDS[word] ?? reader.notAmong(path, value, Object.keys(PROTOCOL_WORDS))
}

function addresses(reader: RuleReader, words: readonly Word[], kind: 'source' | 'target'): Body | undefined {
  // One list by itself keeps its identity: rules that name it share one set in the kernel.
  const [only] = words
  const whole =
    words.length === 1 && typeof only?.value === 'string' ? reader.lists.get(only.value) : undefined
  if (whole?.holds === 'addresses') return { kind, spans: whole.spans, lists: [whole.name] }
  const lists: string[] = []
  return complete(
    words,
    ({ value, path }): readonly AddressSpan[] | undefined => {
      const list = typeof value === 'string' ? reader.lists.get(value) : undefined
      if (list?.holds === 'addresses') {
        lists.push(list.name)
        return spansIn(list.spans)
      }
      const span = parseAddressSpan(String(value))
      return span ? [span] : notAnAddress(reader, value, path)
    },
    (spans) => ({ kind, spans: joinSpans(spans.flat()), lists }),
  )
}

function notAnAddress(reader: RuleReader, value: unknown, path: Path): undefined {
  const lists = [...reader.lists.values()]
    .filter(({ holds }) => holds === 'addresses')
    .map(({ name }) => name)
  const meant = typeof value === 'string' ? nearestWord(value, lists) : undefined
  const hint = parseDomain(String(value))
    ? `For a domain write ${path.includes('from') ? 'fromDomain' : 'toDomain'}: ${value}`
    : meant
      ? `Did you mean the list ${meant}?`
      : lists.length > 0
        ? `The lists of addresses are ${lists.slice(0, 8).join(', ')}.`
        : 'Write it like 192.0.2.7, 192.0.2.0/24, 192.0.2.1-192.0.2.9 or 2001:db8::/32.'
  reader.unexpected(path, 'an address, a range or a list of addresses', value, hint)
}

function ports(
  reader: RuleReader,
  words: readonly Word[],
  kind: 'sourcePort' | 'targetPort',
): Body | undefined {
  return complete(
    words,
    ({ value, path }) => readPorts(reader, value, path),
    (spans) => ({ kind, spans: joinPorts(spans.flat()) }),
  )
}

/** A port, `first-last`, the name of a service or of a list of ports. */
function readPorts(reader: RuleReader, value: unknown, path: Path): readonly PortSpan[] | undefined {
  const text = String(value).toLowerCase()
  const list = reader.lists.get(String(value))
  if (list?.holds === 'ports') return list.spans
  const span = parsePortSpan(text)
  if (span) return [span]
  const service = SERVICES[text]
  if (service) return [{ first: service.port, last: service.port }]
  const lists = [...reader.lists.values()].filter(({ holds }) => holds === 'ports').map(({ name }) => name)
  const meant = nearestWord(text, [...lists, ...Object.keys(SERVICES)])
  const hint = meant ? `Did you mean ${meant}?` : 'Write it like 443, 8000-8080 or ssh.'
  return reader.unexpected(path, 'a port from 0 to 65535, a range of ports or a service', value, hint)
}

export function parsePortSpan(text: string): PortSpan | undefined {
  const [, from, to] = /^(\d{1,5})(?:[-:](\d{1,5}))?$/.exec(text) ?? []
  if (from === undefined) return undefined
  const [first, last] = [Number(from), Number(to ?? from)]
  return first <= last && last <= MAX_PORT ? { first, last } : undefined
}

function icmpTypes(
  reader: RuleReader,
  value: unknown,
  path: Path,
): readonly { protocol: number; type: number }[] | undefined {
  const types = icmpTypesOf(String(value).toLowerCase())
  if (types.length > 0) return types
  // A number means another thing in each family, so it says which: `icmp/8`, `icmpv6/128`.
  const [, family, number] = /^(icmp|icmpv6)\/(\d{1,3})$/.exec(String(value).toLowerCase()) ?? []
  const [protocol] = PROTOCOL_WORDS[family ?? ''] ?? []
  if (protocol !== undefined && Number(number) <= 255) return [{ protocol, type: Number(number) }]
  return reader.notAmong(path, value, [...ICMP_TYPE_WORDS, 'icmp/NUMBER', 'icmpv6/NUMBER'])
}

function interfaces(
  reader: RuleReader,
  words: readonly Word[],
  kind: 'interface' | 'toInterface',
): Body | undefined {
  return complete(
    few(reader, words, 'interfaces'),
    ({ value, path }) => {
      if (typeof value === 'string' && INTERFACE_NAME.test(value) && !/\*./.test(value)) return value
      const hint = 'Write a name such as eth0, or the beginning of names: wg*.'
      return reader.unexpected(path, 'the name of an interface', value, hint)
    },
    (names) => ({ kind, names: withoutCovered(names) }),
  )
}

/** Without names that a pattern among them covers: each packet meets one at most. */
function withoutCovered(names: readonly string[]): string[] {
  const distinct = [...new Set(names)]
  const covers = (pattern: string, name: string): boolean =>
    pattern !== name && pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1))
  return distinct.filter((name) => !distinct.some((pattern) => covers(pattern, name)))
}

function stateOf(reader: RuleReader, value: unknown, path: Path): ConnectionState | undefined {
  const state = CONNECTION_STATES.find((known) => known === String(value).toLowerCase())
  return state ?? reader.notAmong(path, value, CONNECTION_STATES)
}

function uidOf(reader: RuleReader, value: unknown, path: Path): number | undefined {
  if (/^\d{1,10}$/.test(String(value)) && Number(value) < 2 ** 32 - 1) return Number(value)
  const uid = typeof value === 'string' ? reader.world.uidOf(value) : undefined
  if (uid !== undefined) return uid
  return reader.unexpected(
    path,
    'a user of this machine, by name or number',
    value,
    'See them: getent passwd',
  )
}

/** Whether one of the services that a port stands for is spoken over one protocol only. */
export const protocolOfService = (word: string): 'tcp' | 'udp' | undefined =>
  SERVICES[word.toLowerCase()]?.protocol
