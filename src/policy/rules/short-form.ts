import { nearestWord } from '#lib/nearest-word.ts'
import { parseDomain } from '#model/domain.ts'

import { PROGRAM_CONDITIONS } from '#model/program-question.ts'
import { parseAddressSpan } from './address-spans.ts'
import { parsePortSpan, protocolOfService } from './read-conditions.ts'
import { isGroup } from './rule-reader.ts'
import { ACTION_WORDS, PROTOCOL_WORDS, SERVICES } from './words.ts'

/** A rule as its keys in the file, or why the words are none. */
export type ShortForm =
  | { readonly rule: Record<string, unknown> }
  | { readonly message: string; readonly hint: string }

const HINT =
  'Write it like: allow in 22/tcp from 192.0.2.0/24, deny out to ads.example, deny in from country CN, limit ssh.'
const VERBS = [
  ...['from', 'to', 'on', 'in', 'out', 'forward', 'port', 'proto', 'user', 'comment', 'not'],
  ...PROGRAM_CONDITIONS,
]

class Words {
  readonly #words: readonly string[]
  #at = 0

  constructor(text: string) {
    this.#words = [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
      (hit) => hit[1] ?? hit[2] ?? hit[3] ?? '',
    )
  }

  get next(): string | undefined {
    return this.#words[this.#at]
  }

  take(): string | undefined {
    return this.#words[this.#at++]
  }
}

class Misread extends Error {
  readonly hint: string

  constructor(message: string, hint = HINT) {
    super(message)
    this.hint = hint
  }
}

/**
 * Reads one line as people know it from ufw: `ACTION [in|out|forward] [PORT[/PROTOCOL]|SERVICE] [proto P]
 * [from WHO [port N]] [to WHO [port N]] [on INTERFACE] [user NAME]
 * [program PATH] [sha256 HASH] [package NAME] [unit NAME] [container NAME] [owner SOURCE] [confidence SHARE]
 * [comment TEXT]`. Inbound unless it says
 * otherwise; `not` before a value turns it round. WHO is an address, a list, `country CC`, `asn N` or a domain.
 */
export function parseShortForm(text: string): ShortForm {
  const words = new Words(text)
  try {
    const action = words.take()?.toLowerCase() ?? ''
    if (!ACTION_WORDS.some((known) => known === action)) {
      const meant = nearestWord(action, ACTION_WORDS)
      throw new Misread(
        `expected ${ACTION_WORDS.join(', ')}, found ${JSON.stringify(action)}`,
        meant && `Did you mean ${meant}?`,
      )
    }
    const rule: Record<string, unknown> = { action, direction: 'inbound' }
    while (words.next !== undefined) readPart(words, rule)
    return { rule }
  } catch (error) {
    if (error instanceof Misread) return { message: error.message, hint: error.hint }
    throw error
  }
}

function readPart(words: Words, rule: Record<string, unknown>): void {
  const word = words.take() ?? ''
  const read = PARTS[word.toLowerCase()]
  if (read) read(words, rule)
  else readService(word, rule)
}

const PARTS: Readonly<Record<string, (words: Words, rule: Record<string, unknown>) => void>> = {
  in: (_words, rule) => direct(rule, 'inbound'),
  out: (_words, rule) => direct(rule, 'outbound'),
  inbound: (_words, rule) => direct(rule, 'inbound'),
  outbound: (_words, rule) => direct(rule, 'outbound'),
  forward: (_words, rule) => direct(rule, 'forward'),
  from: (words, rule) => end(words, rule, 'from', 'sourcePort'),
  to: (words, rule) => end(words, rule, 'to', 'port'),
  port: (words, rule) => put(rule, 'port', readValue(words, 'a port')),
  proto: (words, rule) => put(rule, 'protocol', readValue(words, 'a protocol')),
  protocol: (words, rule) => put(rule, 'protocol', readValue(words, 'a protocol')),
  on: (words, rule) => put(rule, 'interface', readValue(words, 'an interface')),
  user: (words, rule) => put(rule, 'user', readValue(words, 'a user')),
  program: (words, rule) => put(rule, 'program', readValue(words, 'the path of a program')),
  sha256: (words, rule) => put(rule, 'sha256', readValue(words, 'the SHA-256 of a program')),
  package: (words, rule) => put(rule, 'package', readValue(words, 'a package')),
  unit: (words, rule) => put(rule, 'unit', readValue(words, 'a unit of systemd')),
  container: (words, rule) => put(rule, 'container', readValue(words, 'a container')),
  owner: (words, rule) => put(rule, 'owner', readValue(words, 'how it is known, such as ebpf')),
  confidence: (words, rule) => put(rule, 'confidence', readValue(words, 'how sure it must be, such as 0.9')),
  comment: (words, rule) => put(rule, 'comment', wanted(words, 'a text in quotes')),
}

function direct(rule: Record<string, unknown>, direction: string): void {
  rule['direction'] = direction
}

/** Words after `from` and `to` that say what comes is no address. */
const PLACE_KEYS: Readonly<Record<string, string>> = { country: 'Country', asn: 'Asn', domain: 'Domain' }

/** Who is at that end: an address or a list, a country, a network or a domain; and the port there. */
function end(words: Words, rule: Record<string, unknown>, key: 'from' | 'to', portKey: string): void {
  const place = PLACE_KEYS[words.next ?? '']
  if (place !== undefined) {
    const word = words.take()
    put(rule, `${key}${place}`, readValue(words, `a value after ${word}`))
  } else {
    const value = readValue(words, 'an address, a list or a domain')
    if (value !== 'any') put(rule, isDomains(value) ? `${key}Domain` : key, value)
  }
  if (words.next !== 'port') return
  words.take()
  put(rule, portKey, readValue(words, 'a port'))
}

/** Names of lists have no dot. */
const isDomains = (value: unknown): boolean =>
  [isGroup(value) ? value['not'] : value].flat().every((word) => parseDomain(String(word)) !== undefined)

function readValue(words: Words, expected: string): unknown {
  const isNot = words.next === 'not'
  if (isNot) words.take()
  const word = wanted(words, expected)
  const value = word.includes(',') ? word.split(',').filter((part) => part !== '') : word
  return isNot ? { not: value } : value
}

function wanted(words: Words, expected: string): string {
  const word = words.take()
  if (word === undefined) throw new Misread(`expected ${expected}, found the end of the rule`)
  return word
}

function put(rule: Record<string, unknown>, key: string, value: unknown): void {
  if (rule[key] !== undefined) throw new Misread(`${key} is there twice`)
  rule[key] = value
}

/** `22`, `22/tcp`, `80,443/tcp`, `ssh`, `ping`; an address alone is a mistake that ufw takes differently. */
function readService(word: string, rule: Record<string, unknown>): void {
  const [name = '', protocol] = word.split('/')
  const bare = protocol === undefined ? name.toLowerCase() : ''
  if (bare === 'ping') put(rule, 'icmpType', 'ping')
  else if (PROTOCOL_WORDS[bare]) put(rule, 'protocol', bare)
  else readPorts(word, rule)
}

function readPorts(word: string, rule: Record<string, unknown>): void {
  const [name = '', protocol, ...rest] = word.split('/')
  const parts = name.toLowerCase().split(',')
  if (rest.length > 0 || !parts.every((part) => parsePortSpan(part) || SERVICES[part]))
    throw notUnderstood(word, rule)
  put(rule, 'port', parts.length === 1 ? portValue(name) : parts.map(portValue))
  const spoken = protocol?.toLowerCase() ?? (parts.length === 1 ? protocolOfService(name) : undefined)
  if (spoken !== undefined) put(rule, 'protocol', spoken)
}

const portValue = (text: string): string | number => (/^\d+$/.test(text) ? Number(text) : text.toLowerCase())

function notUnderstood(word: string, rule: Record<string, unknown>): Misread {
  if (parseAddressSpan(word)) {
    const side = rule['direction'] === 'outbound' ? 'to' : 'from'
    return new Misread(`${JSON.stringify(word)} stands alone`, `Say which end it is: ${side} ${word}.`)
  }
  const meant = nearestWord(word, [...VERBS, ...Object.keys(SERVICES), ...Object.keys(PROTOCOL_WORDS)])
  return new Misread(
    `expected a port, a service or from, to, on, found ${JSON.stringify(word)}`,
    meant && `Did you mean ${meant}?`,
  )
}
