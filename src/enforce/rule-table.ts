import type { NftElement } from '#kernel/nft-elements.ts'
import { COMPARE, META, PAYLOAD, REJECT, type RuleExpressions, VERDICT } from '#kernel/nft-expressions.ts'
import type { TableScript } from '#kernel/nft-rules.ts'
import { DATA_TYPE, hostBytes } from '#kernel/nft-wire.ts'
import { RULE_DIRECTIONS } from '#model/rule.ts'
import type {
  ProgramMap,
  ProgramRow,
  ProgramSet,
  ProgramStep,
  ProgramTest,
  ProgramVerdict,
  RuleProgram,
} from '#model/rule-program.ts'
import type { LogChains } from './rule-log.ts'

/**
 * Right after the blocks (−160, layout.ts), after connection tracking (−200) and before everybody else's filters: what
 * the rules deny reaches nobody else's rules, what they allow may still be denied there.
 */
export const PRIORITY = -159
const HOOK_NUMBER = { inbound: 1, forward: 2, outbound: 3 } as const
export const REFUSE = 'refuse'
export const MAX_METERED = 65_535
const PROTOCOL_TCP = 6
const NAME_BYTES = 16

const KEY = {
  address4: { type: DATA_TYPE.address4, keyBytes: 4 },
  address6: { type: DATA_TYPE.address6, keyBytes: 16 },
  port: { type: DATA_TYPE.port, keyBytes: 2 },
  byte: { type: DATA_TYPE.byte, keyBytes: 1 },
  time: { type: DATA_TYPE.time, keyBytes: 8 },
  mark: { type: DATA_TYPE.mark, keyBytes: 4 },
} as const

/** Where a header has what is asked about (RFC 791 §3.1, RFC 8200 §3, RFC 792, RFC 4443; ports: RFC 9293, RFC 768). */
const FIELD = {
  source4: { base: PAYLOAD.network, offset: 12, bytes: 4 },
  target4: { base: PAYLOAD.network, offset: 16, bytes: 4 },
  source6: { base: PAYLOAD.network, offset: 8, bytes: 16 },
  target6: { base: PAYLOAD.network, offset: 24, bytes: 16 },
  hopLimit6: { base: PAYLOAD.network, offset: 7, bytes: 1 },
  sourcePort: { base: PAYLOAD.transport, offset: 0, bytes: 2 },
  targetPort: { base: PAYLOAD.transport, offset: 2, bytes: 2 },
  icmpType: { base: PAYLOAD.transport, offset: 0, bytes: 1 },
} as const

const NFPROTO = { 4: 2, 6: 10 } as const

export interface WriteParts {
  /** Absent: nothing is written about packets. */
  readonly log?: LogChains
  /** What the sets hold from the start that are filled while the program runs. */
  readonly named: ReadonlyMap<string, readonly NftElement[]>
}

/** Appends the whole table that runs the program, in place of whatever was there. */
export function writeProgram(script: TableScript, program: RuleProgram, { log, named }: WriteParts): void {
  script.begin()
  writeSets(script, program, named)
  for (const { name, family, lastsSeconds } of program.meters) {
    const isMeter = { size: MAX_METERED, ...(lastsSeconds !== undefined && { lastsMs: lastsSeconds * 1000 }) }
    script.set({ name, ...KEY[`address${family}`], isMeter })
  }
  script.chain(REFUSE)
  writeRefusals(script)
  log?.write(script, program, writeVerdict)
  // All chains before the first rule, and before the maps: they may only name what is there.
  for (const { name } of program.branches) script.chain(name)
  for (const map of program.maps ?? []) writeMap(script, map)
  const how = { log, mask: program.markMask ?? 0 }
  for (const { name, rows } of program.branches) writeRows(script, { name, rows }, how)
  for (const direction of RULE_DIRECTIONS) {
    script.chain(direction, { number: HOOK_NUMBER[direction], priority: PRIORITY })
    writeRows(script, { name: direction, rows: program.chains[direction] }, how)
  }
}

function writeRows(
  script: TableScript,
  { name, rows }: { readonly name: string; readonly rows: readonly ProgramRow[] },
  how: HowToWrite,
): void {
  for (const row of rows) script.rule(name, row.id, (rule) => writeRow(rule, row, how))
}

interface HowToWrite {
  readonly log: LogChains | undefined
  /** Bits of a mark that are the class of a program. */
  readonly mask: number
}

/** TCP by a reset, all else by an ICMP error, as a closed port would answer. */
function writeRefusals(script: TableScript): void {
  script.rule(REFUSE, REFUSE, (rule) =>
    rule.meta(META.protocol).compare(COMPARE.equal, Uint8Array.of(PROTOCOL_TCP)).reject(REJECT.reset),
  )
  script.rule(REFUSE, REFUSE, (rule) => rule.reject(REJECT.unreachable))
}

function writeSets(script: TableScript, program: RuleProgram, named: WriteParts['named']): void {
  for (const set of program.sets) {
    const isHashed = 'isSingles' in set && set.isSingles === true
    const size = set.spans.length / 2
    script.set({ name: set.name, ...KEY[set.holds], ...(isHashed && { isHashed: { size } }) })
    script.elements(set.name, isHashed ? singlesOf(set) : intervalsOf(set))
  }
  for (const set of program.named ?? []) {
    script.set({ name: set.name, ...KEY[`address${set.family}`], isTimed: true })
    script.elements(set.name, named.get(set.name) ?? [])
  }
}

function writeMap(script: TableScript, { name, on, ways, shift }: ProgramMap): void {
  const key = KEY[MAP_KEY[on]]
  if (shift === undefined) {
    script.set({ name, ...key, isToChains: true })
    script.elements(name, waysOf(ways, key.keyBytes))
    return
  }
  const elements = [...bucketsOf(ways, shift, key.keyBytes)]
  script.set({ name, ...key, isToChains: true, isHashed: { size: elements.length } })
  script.elements(name, elements)
}

function writeWay(
  rule: RuleExpressions,
  { map, on, shift = 0 }: Pick<ProgramMap, 'on' | 'shift'> & { readonly map: string },
): void {
  rule.payload(FIELD[on])
  const bits = FIELD[on].bytes * 8
  if (shift > 0) rule.maskBytes(bytesOf((1n << BigInt(bits)) - (1n << BigInt(shift)), FIELD[on].bytes))
  rule.goByMap(map)
}

/** The first number of each. */
function* bucketsOf(ways: ProgramMap['ways'], shift: number, keyBytes: number): Generator<NftElement> {
  const size = 1n << BigInt(shift)
  for (const { branch, spans } of ways) {
    for (let at = 0; at < spans.length; at += 2) {
      const last = BigInt(spans[at + 1] as number | bigint)
      for (let first = BigInt(spans[at] as number | bigint); first <= last; first += size)
        yield { key: bytesOf(first, keyBytes), jump: branch }
    }
  }
}

const MAP_KEY = {
  source4: 'address4',
  target4: 'address4',
  source6: 'address6',
  target6: 'address6',
  sourcePort: 'port',
  targetPort: 'port',
} as const

function* waysOf(ways: ProgramMap['ways'], keyBytes: number): Generator<NftElement> {
  for (const { branch, spans } of ways)
    for (const interval of intervals(spans, keyBytes)) yield { ...interval, jump: branch }
}

function* intervalsOf(set: ProgramSet): Generator<Pick<NftElement, 'key' | 'end'>> {
  yield* intervals(set.spans, KEY[set.holds].keyBytes)
}

function* singlesOf({ spans, holds }: ProgramSet): Generator<NftElement> {
  const { keyBytes } = KEY[holds]
  for (let at = 0; at < spans.length; at += 2) yield { key: bytesOf(spans[at] as number | bigint, keyBytes) }
}

function* intervals(
  spans: ArrayLike<number | bigint>,
  keyBytes: number,
): Generator<Pick<NftElement, 'key' | 'end'>> {
  for (let at = 0; at < spans.length; at += 2) {
    const key = bytesOf(spans[at] as number | bigint, keyBytes)
    const end = afterOf(spans[at + 1] as number | bigint, keyBytes)
    yield end ? { key, end } : { key }
  }
}

/** A class, as an element of a set of marks. */
export function markElement(mark: number): Pick<NftElement, 'key' | 'end'> {
  const [key, end] = [bytesOf(mark, KEY.mark.keyBytes), afterOf(mark, KEY.mark.keyBytes)]
  return end ? { key, end } : { key }
}

/** The value after it; undefined after the very last one. */
function afterOf(value: number | bigint, keyBytes: number): Uint8Array | undefined {
  const bytes = bytesOf(value, keyBytes)
  for (let at = keyBytes - 1; at >= 0; at--) {
    const byte = ((bytes[at] as number) + 1) & 255
    bytes[at] = byte
    if (byte !== 0) return bytes
  }
  return undefined
}

function writeRow(rule: RuleExpressions, row: ProgramRow, { log, mask }: HowToWrite): void {
  const { steps, beyond, verdict } = row
  for (const step of steps) writeStep(rule, step, mask)
  if (beyond) {
    if (beyond.meter) rule.payload(FIELD[`source${beyond.meter.family}`])
    if (beyond.kind === 'rate') rule.beyondRate(beyond, beyond.meter?.set)
    else rule.beyondConnections(beyond.connections, beyond.meter?.set)
  }
  if (typeof verdict === 'object') {
    writeWay(rule, verdict)
    return
  }
  rule.counter()
  const logChain = log?.chainOf(row)
  if (logChain === undefined) writeVerdict(rule, verdict)
  else if (verdict === 'continue') rule.jump(logChain)
  else rule.goTo(logChain)
}

function writeVerdict(rule: RuleExpressions, verdict: Exclude<ProgramVerdict, object>): void {
  if (verdict === 'reject') rule.goTo(REFUSE)
  else if (verdict !== 'continue') rule.verdict(verdict === 'accept' ? VERDICT.accept : VERDICT.drop)
}

function writeStep(rule: RuleExpressions, step: ProgramStep, mask: number): void {
  switch (step.on) {
    case 'family':
      rule.meta(META.family).compare(COMPARE.equal, Uint8Array.of(NFPROTO[step.family]))
      return
    case 'protocol':
      writeTest(rule.meta(META.protocol), step.test, 1)
      return
    case 'time':
      writeTest(rule.meta(META.time).networkOrder(8), step.test, 8)
      return
    case 'user':
      rule.meta(META.user).compare(comparison(step.not), hostBytes(step.uid))
      return
    case 'state':
      rule.connectionState().maskBytes(hostBytes(step.bits))
      rule.compare(step.not ? COMPARE.equal : COMPARE.different, new Uint8Array(4))
      return
    case 'sender':
    case 'receiver':
      if (step.on === 'sender') rule.meta(META.mark)
      else rule.socketMark()
      rule.maskBytes(hostBytes(mask)).networkOrder(4).lookUpIn(step.set, false)
      return
    case 'fromInterface':
    case 'toInterface':
      rule.meta(step.on === 'fromInterface' ? META.inputName : META.outputName)
      rule.compare(comparison(step.not), nameBytes(step.name))
      return
    default:
      writeTest(rule.payload(FIELD[step.on]), step.test, FIELD[step.on].bytes)
  }
}

function writeTest(
  rule: RuleExpressions,
  test: ProgramTest<number> | ProgramTest<bigint>,
  bytes: number,
): void {
  if (test.is === 'in') rule.lookUpIn(test.set, test.not)
  else if (test.first === test.last) rule.compare(comparison(test.not), bytesOf(test.first, bytes))
  else rule.range(bytesOf(test.first, bytes), bytesOf(test.last, bytes), test.not)
}

const comparison = (not: boolean): number => (not ? COMPARE.different : COMPARE.equal)

/** In network order. */
function bytesOf(value: number | bigint, bytes: number): Uint8Array {
  const into = new Uint8Array(bytes)
  if (typeof value === 'number') {
    for (let at = bytes - 1, rest = value; at >= 0; at--, rest = Math.floor(rest / 256)) into[at] = rest % 256
    return into
  }
  for (let at = bytes - 1, rest = value; at >= 0; at--, rest >>= 8n) into[at] = Number(rest & 255n)
  return into
}

/** The kernel pads a name with zeros; without the padding a comparison is one of beginnings. */
function nameBytes(name: string): Uint8Array {
  const isPattern = name.endsWith('*')
  const text = new TextEncoder().encode(isPattern ? name.slice(0, -1) : name)
  if (isPattern) return text
  const padded = new Uint8Array(NAME_BYTES)
  padded.set(text.subarray(0, NAME_BYTES - 1))
  return padded
}
