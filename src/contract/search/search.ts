import type { AddressRange } from './address-range.ts'
import type { TextPattern } from './text-pattern.ts'

/**
 * A search as data: page, command line, API and store read the same. Times are absolute, so that it means the same
 * wherever it goes. An empty list of terms finds everything.
 */
export interface Search {
  readonly terms: readonly Term[]
}

/** All terms of a search must hold; of a term's tests one is enough. */
export interface Term {
  readonly key: SearchKey | 'word'
  readonly isNot: boolean
  readonly anyOf: readonly Test[]
  /** Where it stands in what was typed, in UTF-16 units. */
  readonly at: number
  readonly length: number
}

export type Test =
  | { readonly kind: 'text'; readonly pattern: TextPattern }
  | { readonly kind: 'number'; readonly span: NumberSpan }
  | { readonly kind: 'address'; readonly range: AddressRange }
  | { readonly kind: 'word'; readonly pattern: TextPattern; readonly range?: AddressRange }
  | { readonly kind: 'is'; readonly what: IsWord }
  | { readonly kind: 'id'; readonly id: string }

/** Absent ends are open. */
export interface NumberSpan {
  readonly from?: number
  readonly to?: number
  /** True: `from` itself is out, for numbers that have fractions. */
  readonly isAbove?: true
  readonly isBelow?: true
}

export const isInSpan = (value: number, { from, to, isAbove, isBelow }: NumberSpan): boolean =>
  (from === undefined || value > from || (value === from && !isAbove)) &&
  (to === undefined || value < to || (value === to && !isBelow))

/** How the value of a key is read. */
export type ValueKind =
  | 'text'
  | 'exact'
  | 'integer'
  | 'port'
  | 'bytes'
  | 'milliseconds'
  | 'address'
  | 'time'
  | 'share'

interface KeyMeaning {
  readonly value: ValueKind | 'is' | 'asn' | 'id'
  /** For people who ask what there is. */
  readonly about: string
  readonly example: string
}

/** Every key of the grammar. */
export const SEARCH_KEYS = {
  app: { value: 'text', about: 'name or path of the program', example: 'app:curl' },
  path: { value: 'text', about: 'path of the program', example: 'path:/usr/bin/*' },
  pid: { value: 'integer', about: 'process id', example: 'pid:812' },
  user: { value: 'exact', about: 'user name or id', example: 'user:anna' },
  uid: { value: 'integer', about: 'user id', example: 'uid:>999' },
  container: { value: 'text', about: 'name or id of the container', example: 'container:web' },
  unit: { value: 'text', about: 'systemd unit', example: 'unit:ssh' },
  owner: {
    value: 'exact',
    about: 'how the program is known: ebpf, netlink, scan, guess or kernel',
    example: 'owner:ebpf',
  },
  confidence: {
    value: 'share',
    about: 'how sure it is that it is this program: 0 to 1, or a percentage',
    example: 'confidence:>=0.9',
  },
  script: { value: 'text', about: 'what an interpreter runs', example: 'script:backup.py' },
  src: { value: 'address', about: 'who opened the connection', example: 'src:192.168.1.0/24' },
  dst: { value: 'address', about: 'to whom', example: 'dst:2001:db8::/32' },
  peer: { value: 'address', about: 'the other end', example: 'peer:203.0.113.9' },
  port: { value: 'port', about: 'either port', example: 'port:>1024' },
  lport: { value: 'port', about: 'the port on this machine', example: 'lport:22' },
  proto: { value: 'exact', about: 'tcp, udp, icmp … or the number', example: 'proto:udp' },
  dir: { value: 'exact', about: 'inbound, outbound, forward or local', example: 'dir:inbound' },
  iface: { value: 'exact', about: 'network interface', example: 'iface:eth*' },
  state: { value: 'exact', about: 'state of the connection', example: 'state:established' },
  name: { value: 'text', about: 'what the peer is called', example: 'name:*.example.com' },
  country: { value: 'exact', about: 'country of the peer, two letters', example: 'country:DE' },
  asn: { value: 'asn', about: 'network of the peer, number or name', example: 'asn:13335' },
  is: { value: 'is', about: 'blocked, allowed, live, ended …', example: 'is:blocked' },
  community: {
    value: 'id',
    about: 'Community ID, as other tools write it',
    example: 'community:1:LQU9qZlK+B5F3KDmev6m5PMibrg=',
  },
  since: { value: 'time', about: 'opened since', example: 'since:2h' },
  until: { value: 'time', about: 'opened until', example: 'until:2026-11-20T08:00' },
  bytes: { value: 'bytes', about: 'bytes both ways', example: 'bytes:>10M' },
  rtt: { value: 'milliseconds', about: 'time of the handshake', example: 'rtt:>200' },
} as const satisfies Readonly<Record<string, KeyMeaning>>

export type SearchKey = keyof typeof SEARCH_KEYS

/** Other words that people use for the same keys. */
export const SAME_KEYS: Readonly<Record<string, SearchKey>> = {
  program: 'app',
  process: 'app',
  host: 'peer',
  addr: 'peer',
  source: 'src',
  target: 'dst',
  protocol: 'proto',
  direction: 'dir',
  interface: 'iface',
  if: 'iface',
  domain: 'name',
  cc: 'country',
  sure: 'confidence',
  as: 'asn',
  size: 'bytes',
}

/** What `is:` may say; `over` is another word for `ended`, `unknown` has no program. */
export const IS_WORDS = [
  'blocked',
  'allowed',
  'live',
  'ended',
  'over',
  'unknown',
  'inbound',
  'outbound',
  'local',
  'forward',
] as const

export type IsWord = (typeof IS_WORDS)[number]

/** Why a search cannot be read. */
export interface SearchError {
  readonly query: string
  /** Where it goes wrong, in UTF-16 units of `query`. */
  readonly at: number
  readonly length: number
  /** One sentence: what is wrong and what was expected. */
  readonly message: string
  /** The nearest thing that would be right. */
  readonly hint?: string
}
