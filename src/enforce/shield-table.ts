import type { NftElement } from '#kernel/nft-elements.ts'
import { COMPARE, PAYLOAD, type RuleExpressions, VERDICT } from '#kernel/nft-expressions.ts'
import type { TableScript } from '#kernel/nft-rules.ts'
import { DATA_TYPE } from '#kernel/nft-wire.ts'
import type { Ip } from '#model/address.ts'
import { isIpv6 } from '#model/address.ts'
import { bytesOfAddress } from './segments.ts'
import { type PacedPort, writePace } from './shield-pace.ts'
import {
  acceptFrom,
  acceptKnown,
  BLOCKS,
  FIELD,
  fromOutside,
  ofFamily,
  pairKey,
  pairKeys,
  portBytes,
  TARGET_PORT,
  TCP,
  UDP,
} from './shield-rules.ts'

/** Before connection tracking, so that forged SYNs fill no table of it (NF_IP_PRI_RAW). */
const BEFORE_TRACKING = -301
/** Before everything: the kernel must not refuse what a decoy answers. */
const FIRST = -400
/** Behind everybody's filters, ours too: who is turned away there is not answered here. */
const BEHIND_FILTERS = 90
const HOOK = { prerouting: 0, input: 1 } as const
const FLAGS = { fin: 1, syn: 2, rst: 4, ack: 16 } as const
/** Of Ethernet: what the proxy promises, as it does not know the server's own. */
const SEGMENT_BYTES = 1_460
const TCP_FLAGS = { base: PAYLOAD.transport, offset: 13, bytes: 1 }

/** What the table holds. Times are absolute, milliseconds since the epoch. */
export interface ShieldContent {
  /** TCP ports of this machine that a SYN proxy answers for, until when. */
  readonly guarded: ReadonlyMap<number, number>
  /** Whose SYNs a SYN proxy answers, at every port. */
  readonly challenged: ReadonlyMap<Ip, number>
  /** UDP ports, by `endpointText`. */
  readonly paced: ReadonlyMap<string, PacedPort>
  /** Ports that nothing comes in to, TCP and UDP. */
  readonly closed: ReadonlyMap<number, number>
  /** TCP ports that decoys answer where no program listens. */
  readonly decoys: ReadonlySet<number>
  /** Addresses of nobody, whose every TCP port decoys answer. */
  readonly decoyAddresses: readonly Ip[]
  /** Connections that were there before: address and port of the peer. The proxy knows nothing of them. */
  readonly spared: readonly { readonly peer: Ip; readonly port: number }[]
}

/** Appends the whole table in place of whatever was there, or takes it away when it holds nothing. */
export function writeShield(script: TableScript, content: ShieldContent, now: number): void {
  if (isEmpty(content)) {
    script.clear()
    return
  }
  script.begin()
  writeSets(script, content, now)
  if (content.closed.size > 0) writeClosed(script)
  if (content.paced.size > 0) writePace(script, [...content.paced.values()], now)
  if (content.decoys.size + content.decoyAddresses.length > 0) writeDecoys(script)
  if (content.guarded.size + content.challenged.size > 0) writeProxy(script)
}

export const isEmpty = ({ guarded, challenged, closed, ...content }: ShieldContent): boolean =>
  guarded.size + challenged.size + closed.size + content.paced.size === 0 &&
  content.decoys.size + content.decoyAddresses.length === 0

function writeSets(script: TableScript, content: ShieldContent, now: number): void {
  const { guarded, challenged, closed, decoys, spared } = content
  const port = { type: DATA_TYPE.port, keyBytes: 2 }
  script.set({ name: 'guarded', ...port, isTimed: true }).elements('guarded', portsUntil(guarded, now))
  script.set({ name: 'closed', ...port, isTimed: true }).elements('closed', portsUntil(closed, now))
  script.set({ name: 'decoys', ...port, isHashed: { size: 1_024 } })
  script.elements(
    'decoys',
    [...decoys].map((each) => ({ key: portBytes(each) })),
  )
  for (const version of [4, 6] as const) {
    const { type, bytes } = FIELD[version]
    const addresses = content.decoyAddresses.filter((address) => isIpv6(address) === (version === 6))
    script.set({ name: `decoys${version}`, type, keyBytes: bytes, isHashed: { size: 1_024 } })
    script.elements(
      `decoys${version}`,
      addresses.map((address) => ({ key: bytesOfAddress(address) })),
    )
    const name = `challenged${version}`
    const sources = [...challenged].filter(([address]) => isIpv6(address) === (version === 6))
    script.set({ name, type, keyBytes: bytes, isTimed: true })
    script.elements(
      name,
      sources.map(([address, until]) => ({ key: bytesOfAddress(address), timeoutMs: until - now })),
    )
    script.set({ name: `spared${version}`, ...pairKeys(version), isHashed: { size: 65_535 } })
    script.elements(
      `spared${version}`,
      spared
        .filter(({ peer }) => isIpv6(peer) === (version === 6))
        .map((each) => ({ key: pairKey(each.peer, each.port) })),
    )
  }
}

function writeClosed(script: TableScript): void {
  script.chain('closing', { number: HOOK.input, priority: BLOCKS })
  for (const protocol of [TCP, UDP]) {
    script.rule('closing', 'closed port', (rule) =>
      fromOutside(rule, protocol).payload(TARGET_PORT).lookUp('closed').counter().verdict(VERDICT.drop),
    )
  }
}

/** A port that a program listens on is no decoy, from the moment on when it does. */
function writeDecoys(script: TableScript): void {
  script.chain('decoy', { number: HOOK.prerouting, priority: FIRST })
  const toDecoy = (rule: RuleExpressions): RuleExpressions =>
    fromOutside(rule, TCP).payload(TARGET_PORT).lookUp('decoys')
  for (const toOne of [toDecoy, toDecoyAddress(4), toDecoyAddress(6)]) {
    script.rule('decoy', 'a program listens', (rule) => toOne(rule).socketThere().verdict(VERDICT.accept))
    script.rule('decoy', 'decoy', (rule) => toOne(rule).counter().verdict(VERDICT.drop))
  }
}

const toDecoyAddress =
  (version: 4 | 6) =>
  (rule: RuleExpressions): RuleExpressions =>
    ofFamily(fromOutside(rule, TCP), version).payload(FIELD[version].target).lookUp(`decoys${version}`)

function writeProxy(script: TableScript): void {
  script.chain('untracked', { number: HOOK.prerouting, priority: BEFORE_TRACKING })
  script.chain('proxy', { number: HOOK.input, priority: BEHIND_FILTERS })
  script.rule('proxy', 'known connection', acceptKnown)
  for (const version of [4, 6] as const) {
    script.rule('proxy', 'connection from before', (rule) =>
      acceptFrom(fromOutside(rule, TCP), version, `spared${version}`),
    )
  }
  for (const aim of [toGuarded, fromChallenged(4), fromChallenged(6)]) {
    // What is forwarded passes no proxy, and without tracking there is no NAT for it.
    script.rule('untracked', 'SYN', (rule) =>
      aim(withFlags(fromOutside(rule, TCP), FLAGS.syn).forThisMachine()).notTracked(),
    )
    for (const flags of [FLAGS.syn, FLAGS.ack]) {
      script.rule('proxy', 'handshake', (rule) =>
        aim(withFlags(fromOutside(rule, TCP), flags))
          .counter()
          .synProxy(SEGMENT_BYTES),
      )
    }
  }
  // FIN, NULL and Xmas probes.
  for (const version of [4, 6] as const) {
    script.rule('proxy', 'no connection', (rule) =>
      fromChallenged(version)(fromOutside(rule, TCP)).counter().verdict(VERDICT.drop),
    )
  }
}

const toGuarded = (rule: RuleExpressions): RuleExpressions => rule.payload(TARGET_PORT).lookUp('guarded')

const fromChallenged =
  (version: 4 | 6) =>
  (rule: RuleExpressions): RuleExpressions =>
    ofFamily(rule, version).payload(FIELD[version].source).lookUp(`challenged${version}`)

/** Of FIN, SYN, RST and ACK exactly these. */
const withFlags = (rule: RuleExpressions, flags: number): RuleExpressions =>
  rule
    .payload(TCP_FLAGS)
    .mask(FLAGS.fin | FLAGS.syn | FLAGS.rst | FLAGS.ack)
    .compare(COMPARE.equal, Uint8Array.of(flags))

const portsUntil = (ports: ReadonlyMap<number, number>, now: number): NftElement[] =>
  [...ports].map(([port, until]) => ({ key: portBytes(port), timeoutMs: until - now }))
