import type { NftTable } from '#kernel/nft.ts'
import type { NftElement } from '#kernel/nft-elements.ts'
import { type Ip, ipBytes, isIpv6 } from '#model/address.ts'
import { isOfDomain } from '#model/domain.ts'
import type { NamedSet, RuleProgram } from '#model/rule-program.ts'

/** An address that DNS is known to have answered with for a name. */
export interface NamedAddress {
  readonly name: string
  readonly address: Ip
  /** Milliseconds since the epoch: so long it counts. */
  readonly until: number
}

/** Who remembers what addresses are called. */
export interface NameMemory {
  now(): number
  /** All that count now. */
  entries(): Iterable<NamedAddress>
}

/** What is told again, but lasts little longer, changes nothing. */
const WORTH_MS = 1_000
/** Addresses in one set: whoever owns a name chooses how many it has. What is beyond finds no room. */
const MAX_IN_SET = 65_536

interface Filled {
  readonly set: NamedSet
  /** Address → until when it is in the set. */
  readonly there: Map<Ip, number>
}

/** Sets by the domains that they ask for. */
type ByDomain = ReadonlyMap<string, readonly Filled[]>

/** The sets of the program in force that addresses enter as their names become known, each for its time. */
export class NamedSets {
  readonly #table: NftTable
  readonly #memory: NameMemory | undefined
  #byDomain: ByDomain = new Map()

  constructor(table: NftTable, memory: NameMemory | undefined) {
    this.#table = table
    this.#memory = memory
  }

  /** What the sets of a program hold from its start: by name. */
  contentsOf(program: RuleProgram): ReadonlyMap<string, readonly NftElement[]> {
    const contents = new Map<string, NftElement[]>()
    const sets = [...this.#filled(program).values()].flat()
    for (const { set, there } of sets)
      contents.set(
        set.name,
        [...there].map(([address, until]) => this.#element(address, until)),
      )
    return contents
  }

  /** The kernel has the program now, its sets filled by `contentsOf`. */
  begin(program: RuleProgram | undefined): void {
    this.#byDomain = program ? this.#filled(program) : new Map()
  }

  /** Whether any rule in force asks for names. */
  get isEmpty(): boolean {
    return this.#byDomain.size === 0
  }

  /** Whether a rule in force asks for this name. */
  asksFor(name: string): boolean {
    return !askingFor(this.#byDomain, name).next().done
  }

  /** Puts what belongs into the sets. Answers those that were in none of theirs before; or the errno of a refusal. */
  add(found: readonly NamedAddress[]): readonly NamedAddress[] | number {
    const fresh: NamedAddress[] = []
    for (const one of found) {
      const outcome = this.#addOne(one)
      if (typeof outcome === 'number') return outcome
      if (outcome.isNew) fresh.push(one)
    }
    return fresh
  }

  #addOne(one: NamedAddress): { readonly isNew: boolean } | number {
    let isNew = false
    for (const filled of setsOf(this.#byDomain, one)) {
      const outcome = this.#addTo(filled, one)
      if (typeof outcome === 'number') return outcome
      isNew ||= outcome.isNew
    }
    return { isNew }
  }

  #addTo({ set, there }: Filled, { address, until }: NamedAddress): { readonly isNew: boolean } | number {
    const now = this.#memory?.now() ?? 0
    const before = there.get(address) ?? 0
    if (until <= now || until < before + WORTH_MS) return { isNew: false }
    const isThere = before > now
    if (!isThere && !hasRoom(there, now)) return { isNew: false }
    const element = this.#element(address, until)
    // An element keeps its time: it goes and comes again in one transaction, so no packet misses it.
    let errno = isThere
      ? this.#table.change([{ set: set.name, removed: [element], elements: [element] }])
      : this.#table.addMany([{ set: set.name, elements: [element] }])
    // It went in this moment.
    if (isThere && errno === ENOENT) errno = this.#table.addMany([{ set: set.name, elements: [element] }])
    if (errno !== 0) return errno
    there.set(address, until)
    return { isNew: !isThere }
  }

  #filled(program: RuleProgram): ByDomain {
    const byDomain = new Map<string, Filled[]>()
    for (const set of program.named ?? []) {
      const filled: Filled = { set, there: new Map() }
      for (const { name } of set.domains) byDomain.set(name, [...(byDomain.get(name) ?? []), filled])
    }
    if (byDomain.size === 0) return byDomain
    for (const known of this.#memory?.entries() ?? []) {
      for (const { there } of setsOf(byDomain, known)) {
        there.set(known.address, Math.max(known.until, there.get(known.address) ?? 0))
      }
    }
    return byDomain
  }

  #element(address: Ip, until: number): NftElement {
    return { key: ipBytes(address), timeoutMs: Math.max(1, until - (this.#memory?.now() ?? 0)) }
  }
}

const ENOENT = 2

/** Those that ask for the name, or for what it is below; each once for each of its domains. */
function* askingFor(byDomain: ByDomain, name: string): Generator<Filled> {
  let domain = name
  for (let at = 0; at >= 0; domain = domain.slice(at + 1)) {
    for (const filled of byDomain.get(domain) ?? []) {
      if (filled.set.domains.some((one) => isOfDomain(name, one))) yield filled
    }
    at = domain.indexOf('.')
  }
}

/** Those of them that the address fits into. */
function* setsOf(byDomain: ByDomain, { name, address }: NamedAddress): Generator<Filled> {
  const family = isIpv6(address) ? 6 : 4
  for (const filled of askingFor(byDomain, name)) if (filled.set.family === family) yield filled
}

/** Those whose time is over are gone from the kernel by themselves. */
function hasRoom(there: Map<Ip, number>, now: number): boolean {
  if (there.size >= MAX_IN_SET) {
    for (const [address, until] of there) if (until <= now) there.delete(address)
  }
  return there.size < MAX_IN_SET
}
