import type { ForeignConditions, ForeignRule, ForeignTarget } from './foreign.ts'

/** A rule of nft that has no equal; the message says which part. */
export class NftMisfit extends Error {}

interface Reading {
  readonly conditions: ForeignConditions
  target?: ForeignTarget
  comment?: string
  rate?: { rate: string; burst?: number }
  isLogged?: boolean
}

/** Reads one rule as `nft list ruleset` shows it. Throws NftMisfit. */
export function readNftRule(text: string): Omit<ForeignRule, 'line' | 'text'> {
  const words = new Words(text)
  const reading: Reading = { conditions: {} }
  while (words.next !== undefined) {
    const word = words.take()
    const read = STATEMENTS[word]
    if (!read) throw new NftMisfit(`${word} has no equal here`)
    read(words, reading)
  }
  const { target, conditions, comment, rate, isLogged } = reading
  if (!target && !isLogged) throw new NftMisfit('it only counts')
  return {
    conditions,
    target: target ?? { kind: 'record' },
    ...(comment !== undefined && { comment }),
    ...(rate && { rate }),
  }
}

class Words {
  readonly #words: readonly string[]
  #at = 0

  constructor(text: string) {
    this.#words = [...text.matchAll(/"([^"]*)"|[{},]|[^\s{},]+/g)].map((hit) => hit[1] ?? hit[0])
  }

  get next(): string | undefined {
    return this.#words[this.#at]
  }

  take(): string {
    return this.#words[this.#at++] ?? ''
  }

  /** Takes the word if it is the next. */
  takes(word: string): boolean {
    if (this.next !== word) return false
    this.#at++
    return true
  }
}

type Read = (words: Words, reading: Reading) => void

/** `[!=] value`, `{ a, b }`, `a,b`, `@set`. */
function valueIn(words: Words, read: (word: string) => unknown): unknown {
  const isNot = words.takes('!=')
  if (!isNot) words.takes('==')
  const values: unknown[] = []
  if (words.takes('{')) {
    while (!words.takes('}')) {
      values.push(read(words.take()))
      words.takes(',')
      if (words.next === undefined) throw new NftMisfit('its braces do not close')
    }
  } else {
    do values.push(read(words.take()))
    while (words.takes(','))
  }
  const value = values.length === 1 ? values[0] : values
  return isNot ? { not: value } : value
}

function put(reading: Reading, key: keyof ForeignConditions, value: unknown): void {
  if (
    reading.conditions[key] !== undefined &&
    JSON.stringify(reading.conditions[key]) !== JSON.stringify(value)
  )
    throw new NftMisfit(`it asks for ${key} twice`)
  reading.conditions[key] = value
}

const address = (word: string): unknown => {
  if (/^[0-9a-f.:]+(\/\d+)?(-[0-9a-f.:]+)?$|^@/i.test(word)) return word
  throw new NftMisfit(`${word} is no address`)
}

const port = (word: string): unknown => (/^\d+$/.test(word) ? Number(word) : word)
const link = (word: string): unknown => word
const number = (word: string): unknown => (/^\d+$/.test(word) ? Number(word) : word)

const PROTOCOLS: Readonly<Record<string, string>> = { 'ipv6-icmp': 'icmpv6', icmp6: 'icmpv6' }
const protocol = (word: string): unknown => (/^\d+$/.test(word) ? Number(word) : (PROTOCOLS[word] ?? word))

const header =
  (fields: Readonly<Record<string, readonly [keyof ForeignConditions, (word: string) => unknown]>>): Read =>
  (words, reading) => {
    const field = words.take()
    const known = fields[field]
    if (!known) throw new NftMisfit(`${field} is not asked for here`)
    put(reading, known[0], valueIn(words, known[1]))
  }

const IP = { saddr: ['from', address], daddr: ['to', address] } as const
const ports =
  (name?: string): Read =>
  (words, reading) => {
    if (name !== undefined) put(reading, 'protocol', name)
    header({ dport: ['port', port], sport: ['sourcePort', port] })(words, reading)
  }

const icmp =
  (family: string): Read =>
  (words, reading) => {
    header({
      type: ['icmpType', (word) => (/^\d+$/.test(word) ? `${family}/${word}` : icmpWord(family, word))],
    })(words, reading)
  }

/** nft's own words that differ from ours. */
const ICMP_NUMBERS: Readonly<Record<string, number>> = {
  'icmp destination-unreachable': 3,
  'icmpv6 destination-unreachable': 1,
  'icmpv6 nd-router-solicit': 133,
  'icmpv6 nd-router-advert': 134,
  'icmpv6 nd-neighbor-solicit': 135,
  'icmpv6 nd-neighbor-advert': 136,
  'icmpv6 nd-redirect': 137,
  'icmpv6 mld-listener-query': 130,
  'icmpv6 mld-listener-report': 131,
  'icmpv6 mld-listener-done': 132,
  'icmpv6 mld2-listener-report': 143,
  'icmp echo-request': 8,
  'icmp echo-reply': 0,
  'icmp time-exceeded': 11,
  'icmp parameter-problem': 12,
  'icmp redirect': 5,
  'icmp router-advertisement': 9,
  'icmp router-solicitation': 10,
  'icmpv6 echo-request': 128,
  'icmpv6 echo-reply': 129,
  'icmpv6 packet-too-big': 2,
  'icmpv6 time-exceeded': 3,
  'icmpv6 parameter-problem': 4,
}

function icmpWord(family: string, word: string): string {
  const type = ICMP_NUMBERS[`${family} ${word}`]
  if (type === undefined) throw new NftMisfit(`the type ${word} is not known here`)
  return `${family}/${type}`
}

const verdict =
  (kind: 'allow' | 'deny' | 'return'): Read =>
  (_words, reading) => {
    reading.target = { kind }
  }

const STATEMENTS: Readonly<Record<string, Read>> = {
  ip: header({ ...IP, protocol: ['protocol', protocol] }),
  ip6: header({ ...IP, nexthdr: ['protocol', protocol] }),
  tcp: ports('tcp'),
  udp: ports('udp'),
  sctp: ports('sctp'),
  dccp: ports('dccp'),
  udplite: ports('udplite'),
  th: ports(),
  icmp: icmp('icmp'),
  icmpv6: icmp('icmpv6'),
  meta: header({
    l4proto: ['protocol', protocol],
    skuid: ['user', number],
    iifname: ['inLink', link],
    oifname: ['outLink', link],
  }),
  skuid: (words, reading) => put(reading, 'user', valueIn(words, number)),
  iifname: (words, reading) => put(reading, 'inLink', valueIn(words, link)),
  iif: (words, reading) => put(reading, 'inLink', valueIn(words, link)),
  oifname: (words, reading) => put(reading, 'outLink', valueIn(words, link)),
  oif: (words, reading) => put(reading, 'outLink', valueIn(words, link)),
  ct: header({ state: ['state', link] }),
  counter(words) {
    for (const word of ['packets', 'bytes']) if (words.takes(word)) words.take()
  },
  limit(words, reading) {
    words.takes('rate')
    if (words.next === 'over') throw new NftMisfit('a rate that is exceeded has no equal here: see limit')
    const rate = words.take().replace(/\/(second|minute|hour|day)$/, (_, unit: string) => `/${unit[0]}`)
    if (words.next?.includes('bytes')) throw new NftMisfit('rates of bytes are not limited here')
    const burst = words.takes('burst') ? Number(words.take()) : undefined
    words.takes('packets')
    reading.rate = { rate, ...(burst !== undefined && { burst }) }
  },
  log(words, reading) {
    reading.isLogged = true
    while (['prefix', 'level', 'group', 'snaplen', 'queue-threshold', 'flags'].includes(words.next ?? '')) {
      words.take()
      words.take()
    }
  },
  comment: (words, reading) => {
    reading.comment = words.take()
  },
  accept: verdict('allow'),
  drop: verdict('deny'),
  return: verdict('return'),
  reject(words, reading) {
    reading.target = { kind: 'reject' }
    if (!words.takes('with')) return
    // `tcp reset`, `icmp port-unreachable`, `icmpx admin-prohibited`, and older `icmp type …`.
    words.take()
    words.takes('type')
    words.take()
  },
  jump: (words, reading) => {
    reading.target = { kind: 'jump', to: words.take(), isGoto: false }
  },
  goto: (words, reading) => {
    reading.target = { kind: 'jump', to: words.take(), isGoto: true }
  },
}
