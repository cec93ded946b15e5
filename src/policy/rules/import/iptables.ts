import type { RuleDirection, RulePolicy } from '#model/rule.ts'
import {
  type ForeignConditions,
  type ForeignRule,
  ForeignRuleset,
  type ForeignTarget,
  type Imported,
} from './foreign.ts'

const CHAINS: Readonly<Record<string, RuleDirection>> = {
  INPUT: 'inbound',
  OUTPUT: 'outbound',
  FORWARD: 'forward',
}
const POLICIES: Readonly<Record<string, RulePolicy>> = { ACCEPT: 'allow', DROP: 'deny' }
const TARGETS: Readonly<Record<string, Exclude<ForeignTarget['kind'], 'jump'>>> = {
  ACCEPT: 'allow',
  DROP: 'deny',
  REJECT: 'reject',
  LOG: 'record',
  NFLOG: 'record',
  RETURN: 'return',
}

/** Reads what `iptables-save` or `ip6tables-save` printed: the table filter. */
export function importIptables(text: string): Imported {
  const ruleset = new ForeignRuleset()
  let table = ''
  for (const [at, raw] of text.split('\n').entries()) {
    const words = raw.trim().replace(/^\[\d+:\d+\]\s*/, '')
    if (words.startsWith('*')) table = words.slice(1)
    else if (words !== '' && !words.startsWith('#') && words !== 'COMMIT') {
      readLine(ruleset, { line: at + 1, words, table })
    }
  }
  return ruleset.finish()
}

function readLine(
  ruleset: ForeignRuleset,
  { line, words, table }: { readonly line: number; readonly words: string; readonly table: string },
): void {
  const isRule = words.startsWith('-A ')
  if (table !== 'filter') {
    if (isRule) ruleset.say(line, words, 'skipped', `only the table filter is read, not ${table || 'this'}`)
  } else if (words.startsWith(':')) openChain(ruleset, words)
  else if (isRule) addRule(ruleset, line, words)
  else ruleset.say(line, words, 'skipped', 'this is no line of iptables-save')
}

function openChain(ruleset: ForeignRuleset, words: string): void {
  const [name = '', policy = ''] = words.slice(1).split(/\s+/)
  const direction = CHAINS[name]
  const meant = POLICIES[policy]
  ruleset.chains.set(name, { ...(direction && { direction }), ...(meant && { policy: meant }), rules: [] })
}

function addRule(ruleset: ForeignRuleset, line: number, text: string): void {
  const [, name = '', ...words] = wordsOf(text)
  const chain = ruleset.chains.get(name) ?? { rules: [] }
  ruleset.chains.set(name, chain)
  const read = readRule(words)
  if ('note' in read) ruleset.say(line, text, 'skipped', read.note)
  else chain.rules.push({ ...read, line, text })
}

/** Words, with quotes and their escapes taken off. */
const wordsOf = (text: string): string[] =>
  [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    (hit) => hit[1]?.replaceAll(/\\(.)/g, '$1') ?? hit[2] ?? '',
  )

class Misfit extends Error {}

interface Reading {
  readonly conditions: ForeignConditions
  target?: ForeignTarget
  comment?: string
  rate?: { rate: string; burst?: number }
}

function readRule(words: readonly string[]): Omit<ForeignRule, 'line' | 'text'> | { readonly note: string } {
  const reading: Reading = { conditions: {} }
  try {
    for (let at = 0; at < words.length; ) {
      const isNot = words[at] === '!'
      if (isNot) at++
      const option = words[at] ?? ''
      const take = OPTIONS[option]
      if (!take) throw new Misfit(`${option} has no equal here`)
      const value = words[at + 1] ?? ''
      take(reading, value, isNot)
      at += 2
    }
    const { target, ...rest } = reading
    if (!target) throw new Misfit('it only counts')
    return { ...rest, target }
  } catch (error) {
    if (error instanceof Misfit) return { note: error.message }
    throw error
  }
}

/** Of the module limit, unless it says otherwise. */
const USUAL_RATE = '3/h'
/** Modules that only bring options, which are read or refused by themselves. */
const MODULES = new Set([
  'tcp',
  'udp',
  'sctp',
  'dccp',
  'udplite',
  'icmp',
  'icmp6',
  'icmpv6',
  'comment',
  'multiport',
  'conntrack',
  'state',
  'limit',
  'owner',
])

type Take = (reading: Reading, value: string, isNot: boolean) => void

const turned = (value: unknown, isNot: boolean): unknown => (isNot ? { not: value } : value)

const condition =
  (key: keyof ForeignConditions, read: (value: string) => unknown): Take =>
  ({ conditions }, value, isNot) => {
    if (conditions[key] !== undefined) throw new Misfit(`${key} is asked for twice`)
    conditions[key] = turned(read(value), isNot)
  }

const several = (value: string): unknown => {
  const parts = value.split(',')
  return parts.length === 1 ? parts[0] : parts
}

const ports = (value: string): unknown => {
  const spans = value.split(',').map((part) => {
    const [first, last] = part.split(':')
    if (last !== undefined) return `${first || 0}-${last || 65_535}`
    return /^\d+$/.test(part) ? Number(part) : part
  })
  return spans.length === 1 ? spans[0] : spans
}

/** `192.0.2.0/255.255.255.0` is a prefix length too. */
const addresses = (value: string): unknown =>
  several(
    value
      .split(',')
      .map((part) => part.replace(/\/(\d+\.\d+\.\d+\.\d+)$/, (_, mask: string) => `/${prefixLength(mask)}`))
      .join(','),
  )

function prefixLength(mask: string): number {
  const bits = mask
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('')
  if (!/^1*0*$/.test(bits)) throw new Misfit(`the mask ${mask} is no prefix`)
  return bits.indexOf('0') < 0 ? 32 : bits.indexOf('0')
}

const link = (value: string): string => value.replace(/\+$/, '*')
const PROTOCOLS: Readonly<Record<string, string>> = { 'ipv6-icmp': 'icmpv6', icmp6: 'icmpv6' }

const protocol: Take = ({ conditions }, value, isNot) => {
  if (value === 'all' || value === '0') return
  conditions.protocol = turned(/^\d+$/.test(value) ? Number(value) : (PROTOCOLS[value] ?? value), isNot)
}

const icmpType =
  (family: string): Take =>
  ({ conditions }, value, isNot) => {
    const [type = ''] = value.split('/')
    if (type === 'any' || type === '255') return
    if (value.includes('/') && !value.endsWith('/255'))
      throw new Misfit('codes of ICMP are not asked for here')
    conditions.icmpType = turned(/^\d+$/.test(type) ? `${family}/${type}` : type, isNot)
  }

const states: Take = ({ conditions }, value, isNot) => {
  const known = value.toLowerCase().split(',')
  if (known.some((state) => state === 'snat' || state === 'dnat'))
    throw new Misfit('states of NAT are not asked for here')
  conditions.state = turned(known, isNot)
}

const jump: Take = (reading, value) => {
  const kind = TARGETS[value]
  reading.target = kind ? { kind } : { kind: 'jump', to: value, isGoto: false }
}

const nothing: Take = () => {}

const OPTIONS: Readonly<Record<string, Take>> = {
  '-s': condition('from', addresses),
  '--source': condition('from', addresses),
  '-d': condition('to', addresses),
  '--destination': condition('to', addresses),
  '-p': protocol,
  '--protocol': protocol,
  '-i': condition('inLink', link),
  '-o': condition('outLink', link),
  '--dport': condition('port', ports),
  '--dports': condition('port', ports),
  '--sport': condition('sourcePort', ports),
  '--sports': condition('sourcePort', ports),
  '--icmp-type': icmpType('icmp'),
  '--icmpv6-type': icmpType('icmpv6'),
  '--state': states,
  '--ctstate': states,
  '--uid-owner': condition('user', (value) => (/^\d+$/.test(value) ? Number(value) : value)),
  '--comment': (reading, value) => {
    reading.comment = value
  },
  '--limit': (reading, value) => {
    reading.rate = { ...reading.rate, rate: value.replace(/\/(s|m|h|d)[a-z]*$/, '/$1') }
  },
  '--limit-burst': (reading, value) => {
    reading.rate = { rate: USUAL_RATE, ...reading.rate, burst: Number(value) }
  },
  '-m': (_reading, value) => {
    if (!MODULES.has(value)) throw new Misfit(`the module ${value} has no equal here`)
  },
  '-j': jump,
  '-g': (reading, value) => {
    reading.target = { kind: 'jump', to: value, isGoto: true }
  },
  '--reject-with': nothing,
  '--log-prefix': nothing,
  '--log-level': nothing,
  '--nflog-group': nothing,
  '--nflog-prefix': nothing,
}
