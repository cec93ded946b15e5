import { setImmediate } from 'node:timers/promises'
import type { NetlinkWriter } from '#kernel/netlink.ts'
import { NftTable } from '#kernel/nft.ts'
import { writeDeleteElements } from '#kernel/nft-elements.ts'
import { COMPARE, META, PAYLOAD, type RuleExpressions, VERDICT } from '#kernel/nft-expressions.ts'
import { TableScript } from '#kernel/nft-rules.ts'
import { type PlainSet, TableChange } from '#kernel/nft-sets.ts'
import { type HandedOver, writeTurnedAway } from '#kernel/nft-turned-away.ts'
import { DATA_TYPE } from '#kernel/nft-wire.ts'
import { type Ip, isIpv6, type Target } from '#model/address.ts'
import type { BlockedList } from '#model/blocked-list.ts'
import type { DropCount } from './enforcer.ts'
import { elementsOf, type RowKind } from './list-rows.ts'
import { addressBytes, addressText, segmentsOf } from './segments.ts'

/** With the blocks (layout.ts), ahead of the rules (−159): what a list turns away no rule counts or records. */
const PRIORITY = -160
/** A few milliseconds of work; between two of them others get their turn. */
const ELEMENTS_AT_ONCE = 2_000
/** Without Gatehouse the kernel forgets a list in this time. */
export const LIST_LASTS_MS = 7 * 86_400_000
/** Whom programs here called of late and were kept from. */
const CALLED_LASTS_MS = 60_000
const CALLED_SIZE = 4_096
const ENOENT = 2

const HOOKS = { input: 1, forward: 2, output: 3 } as const
const FAMILIES = [
  { family: 4, protocol: 2, type: DATA_TYPE.address4, bytes: 4, source: 12, target: 16 },
  { family: 6, protocol: 10, type: DATA_TYPE.address6, bytes: 16, source: 8, target: 24 },
] as const
type Family = (typeof FAMILIES)[number]

interface FilledSet {
  readonly name: string
  readonly of: Family
}

/** A list in the kernel: its sets that hold something. */
export interface FilledList {
  readonly list: BlockedList
  readonly sets: readonly FilledSet[]
  readonly entries: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

/**
 * The table of the lists that block. A list is filled into sets of its own, aside, in small transactions that keep
 * nobody waiting; one more transaction puts it in the place of its older version. Numbers are errnos. Only the
 * constructor throws (KernelError).
 */
export class ListTable {
  readonly #table: NftTable
  readonly #handed: HandedOver | undefined
  #number: number

  /** `handed`: of the packets that lists turn away, where this kernel can do that. */
  constructor(name: string, handed?: HandedOver) {
    this.#table = new NftTable(name)
    this.#handed = handed && this.#takes(handed) ? handed : undefined
    // Beside sets of an earlier run, which stay in force until ours are filled.
    this.#number = Math.max(0, ...this.#table.setNames().map((set) => Number(/_(\d+)$/.exec(set)?.[1] ?? 0)))
  }

  /** The errno with which the kernel refuses us, or 0. */
  get refusal(): number {
    const generation = this.#table.generation()
    return typeof generation === 'number' ? generation : 0
  }

  get exists(): boolean {
    return this.#table.fingerprint() !== undefined
  }

  /** The ruleset's generation, ours among it. */
  get generation(): number | undefined {
    const generation = this.#table.generation()
    return typeof generation === 'number' ? undefined : generation.id
  }

  fingerprint(): string | undefined {
    return this.#table.fingerprint()
  }

  /** Fills a list into new sets that no rule reads yet. What is left of a failure goes with the next `putInForce`. */
  async fill(list: BlockedList, now: number): Promise<FilledList | number> {
    const sets: FilledSet[] = []
    let entries = 0
    for (const of of FAMILIES) {
      for (const kind of ['address', 'range'] as const) {
        const filled = await this.#fillSet({ list, of, kind, now })
        if (typeof filled === 'number') return filled
        if (filled.entries > 0) sets.push({ name: filled.name, of })
        entries += filled.entries
      }
    }
    return { list, sets, entries, at: now }
  }

  async #fillSet({
    list,
    of,
    kind,
    now,
  }: {
    readonly list: BlockedList
    readonly of: Family
    readonly kind: RowKind
    readonly now: number
  }): Promise<{ readonly name: string; readonly entries: number } | number> {
    const rows = of.family === 4 ? list.rows.ipv4 : list.rows.ipv6
    const name = `${kind}${of.family}_${++this.#number}`
    let entries = 0
    for (const elements of elementsOf(rows, kind, { now, size: ELEMENTS_AT_ONCE })) {
      const errno =
        (entries === 0 && this.#change((change) => change.ensureTable().set(setOf(name, kind, of)))) ||
        this.#table.change([{ set: name, elements }])
      if (errno !== 0) return errno
      entries += elements.length
      await setImmediate()
    }
    return { name, entries }
  }

  /** From this transaction on exactly these lists count, but for whom is spared; all older sets are gone. */
  putInForce(lists: readonly FilledList[], spared: readonly Target[]): number {
    const kept = new Set(lists.flatMap(({ sets }) => sets.map(({ name }) => name)))
    const fixed = FAMILIES.flatMap(fixedSets)
    for (const { name } of fixed) kept.add(name)
    const old = this.#table.setNames().filter((name) => !kept.has(name))
    const { name } = this.#table
    return this.#table.transact((writer, next) => {
      const change = new TableChange(writer, name, next).ensureTable()
      for (const set of fixed) change.set(set)
      const script = new TableScript(writer, name, next)
      writeChains(script)
      for (const chain of CHAINS) change.emptyChain(chain)
      writeRules(script, lists, this.#handed)
      for (const set of old) change.removeSet(set)
      writeSpared(script, this.#emptying(writer, next), spared)
    })
  }

  /** Changes whom the lists spare. */
  spare(spared: readonly Target[]): number {
    return this.#table.transact((writer, next) =>
      writeSpared(new TableScript(writer, this.#table.name, next), this.#emptying(writer, next), spared),
    )
  }

  /** Packets and bytes that each list turned away since it was put in force last. */
  drops(): ReadonlyMap<string, DropCount> {
    return this.#table.ruleCounts()
  }

  /** Whom programs here called, and were kept from, since the last call. */
  takeCalled(): Ip[] {
    const called: Ip[] = []
    for (const { family } of FAMILIES) {
      const set = `called${family}`
      const keys: Uint8Array[] = []
      if (this.#table.dump(set, ({ key }) => keys.push(key)) !== 0 || keys.length === 0) continue
      this.#table.change([{ set, removed: keys.map((key) => ({ key })), elements: [] }])
      called.push(...keys.map(addressText))
    }
    return called
  }

  remove(): number {
    const errno = this.#table.remove()
    return errno === ENOENT ? 0 : errno
  }

  close(): void {
    this.#table.close()
  }

  /** Whether this kernel would hand packets over. */
  #takes(handed: HandedOver): boolean {
    const { name } = this.#table
    const errno = this.#table.rehearse((writer, next) => {
      new TableChange(writer, name, next).ensureTable()
      writeTurnedAway(new TableScript(writer, name, next).chain('gone'), 'gone', handed)
    })
    return errno === 0
  }

  #change(write: (change: TableChange) => unknown): number {
    const { name } = this.#table
    return this.#table.transact((writer, next) => void write(new TableChange(writer, name, next)))
  }

  #emptying(writer: NetlinkWriter, next: () => number): (set: string) => void {
    return (set) => writeDeleteElements(writer, { table: this.#table.name, set, sequence: next() })
  }
}

const setOf = (name: string, kind: RowKind, { type, bytes }: Family): PlainSet => ({
  name,
  type,
  keyBytes: bytes,
  holds: kind === 'range' ? 'intervals' : 'values',
  lastsMs: LIST_LASTS_MS,
})

const fixedSets = ({ family, type, bytes }: Family): readonly PlainSet[] => [
  { name: `spared${family}`, type, keyBytes: bytes, holds: 'intervals' },
  {
    ...{ name: `called${family}`, type, keyBytes: bytes, holds: 'noted' },
    ...{ lastsMs: CALLED_LASTS_MS, size: CALLED_SIZE },
  },
]

const OWN_CHAINS = ['from', 'to', 'away', 'gone']
const CHAINS = [...OWN_CHAINS, ...Object.keys(HOOKS)]

function writeChains(script: TableScript): void {
  for (const chain of OWN_CHAINS) script.chain(chain)
  for (const [chain, number] of Object.entries(HOOKS)) script.chain(chain, { number, priority: PRIORITY })
}

/** What comes from a listed address is dropped; what goes to one too, and to whom is noted. */
function writeRules(script: TableScript, lists: readonly FilledList[], handed: HandedOver | undefined): void {
  for (const of of FAMILIES) {
    const spared = `spared${of.family}`
    script.rule('from', '', (rule) => within(rule, of, 'source').lookUp(spared).verdict(VERDICT.return))
    script.rule('to', '', (rule) => within(rule, of, 'target').lookUp(spared).verdict(VERDICT.return))
    script.rule('away', '', (rule) => within(rule, of, 'target').noteIn(`called${of.family}`))
  }
  script.rule('away', '', (rule) => rule.goTo('gone'))
  writeTurnedAway(script, 'gone', handed)
  for (const { list, sets } of lists) {
    for (const { name, of } of sets) {
      script.rule('from', list.id, (rule) => within(rule, of, 'source').lookUp(name).counter().goTo('gone'))
      script.rule('to', list.id, (rule) => within(rule, of, 'target').lookUp(name).counter().goTo('away'))
    }
  }
  script.rule('input', '', (rule) => rule.jump('from'))
  script.rule('forward', '', (rule) => rule.jump('from'))
  script.rule('forward', '', (rule) => rule.jump('to'))
  script.rule('output', '', (rule) => rule.jump('to'))
}

/** Of packets of this family, the one address. */
const within = (rule: RuleExpressions, of: Family, end: 'source' | 'target'): RuleExpressions =>
  rule
    .meta(META.family)
    .compare(COMPARE.equal, Uint8Array.of(of.protocol))
    .payload({ base: PAYLOAD.network, offset: of[end], bytes: of.bytes })

function writeSpared(script: TableScript, empty: (set: string) => void, spared: readonly Target[]): void {
  for (const { family, bytes } of FAMILIES) {
    const own = spared.filter((target) => isIpv6(target) === (family === 6))
    empty(`spared${family}`)
    script.elements(
      `spared${family}`,
      segmentsOf(own.map((target) => ({ target }))).map(({ first, end }) => {
        const after = addressBytes(end, bytes)
        return { key: addressBytes(first, bytes) as Uint8Array, ...(after && { end: after }) }
      }),
    )
  }
}
