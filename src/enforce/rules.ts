import type { NetlinkWriter } from '#kernel/netlink.ts'
import { NftTable, type RuleCount } from '#kernel/nft.ts'
import { TableScript } from '#kernel/nft-rules.ts'
import type { PartHealth } from '#model/health.ts'
import type { RuleProgram } from '#model/rule-program.ts'
import { type NamedAddress, NamedSets, type NameMemory } from './named-sets.ts'
import type { RuleClasses } from './program-classes.ts'
import { type Refusal, ruleRefusalOf } from './refusal.ts'
import { LogChains, type RuleLogOptions } from './rule-log.ts'
import { markElement, writeProgram } from './rule-table.ts'

/** Makes rules so. Never throws because the kernel refuses: it answers, and `health` says why. */
export interface RuleEnforcer {
  /** Puts the program in place of what was there, in one transaction. `undefined` stands for no rules at all. */
  enforce(program: RuleProgram | undefined): boolean
  /** Whether this kernel would take it; nothing is changed. */
  refusalOf(program: RuleProgram): Refusal | undefined
  /** What `enforce` would send, for a process that outlives us. */
  transactionFor(program: RuleProgram | undefined): Uint8Array
  /**
   * The same of the rules before, told ahead of those that are tried. From now on programs are told apart by what either
   * asks for, until the trial is over: the way back is good also when we are not there.
   */
  wayBack(before: RuleProgram | undefined, tried: RuleProgram | undefined): Uint8Array
  /** What is in force, as far as the kernel took it. */
  readonly program: RuleProgram | undefined
  /** False where this kernel cannot hand packets over: rules are enforced, and nothing is written about them. */
  readonly canLog: boolean
  /** Packets and bytes by the id of the rule, since the program was put in place. */
  counts(): ReadonlyMap<string, RuleCount>
  /** Addresses with their names, as they become known: rules by domain match them. Answers those that are new to them. */
  named(found: readonly NamedAddress[]): readonly NamedAddress[]
  /** Whether a rule in force asks for addresses of this name. */
  asksFor(name: string): boolean
  /** Looks whether the kernel still has what we asked for, and repairs it. Called once a second. */
  verify(): PartHealth
  readonly health: PartHealth
  /** `keep`: the rules stay in force without us; else the table is removed. */
  stop(keep: boolean): void
}

export interface RuleEnforcerOptions {
  /** Name of the table in family inet. */
  readonly table: string
  /** Absent: nothing is written about packets. */
  readonly log?: RuleLogOptions
  /** What addresses are called; absent: rules by domain match nothing. */
  readonly names?: NameMemory
  /** Which programs are which; absent: no rule may ask for programs. */
  readonly classes?: RuleClasses
  /** Told when another program had changed the table, and it was put back. */
  onRepair?(what: string): void
}

const NO_ROWS: RuleProgram = {
  sets: [],
  meters: [],
  branches: [],
  chains: { inbound: [], outbound: [], forward: [] },
}

/** Somebody who changes the table again and again must not keep us busy. */
const REPAIR_EVERY_MS = 900

/** One row that is written about: kernels without nfnetlink_log or limits refuse it. */
const PROBE: RuleProgram = {
  ...NO_ROWS,
  chains: { ...NO_ROWS.chains, inbound: [{ id: 'probe', steps: [], verdict: 'drop' }] },
}

/** Enforces rules by nf_tables, in a table beside that of the blocks (docs/decisions/010). Throws KernelError. */
export const createRuleEnforcer = (options: RuleEnforcerOptions): RuleEnforcer =>
  new NftablesRuleEnforcer(options)

class NftablesRuleEnforcer implements RuleEnforcer {
  readonly #name: string
  readonly #onRepair: ((what: string) => void) | undefined
  readonly #table: NftTable
  readonly #log: RuleLogOptions | undefined
  readonly #named: NamedSets
  readonly #classes: RuleClasses | undefined
  #program: RuleProgram | undefined
  #refusal: Refusal | undefined
  #fingerprint: string | undefined
  #generation = 0
  #repairs = 0
  #repairNotBefore = 0

  constructor({ table, log, names, classes, onRepair }: RuleEnforcerOptions) {
    this.#name = table
    this.#onRepair = onRepair
    this.#table = new NftTable(table)
    this.#named = new NamedSets(this.#table, names)
    this.#classes = classes
    classes?.connect((fills) => {
      const changes = fills.map(({ set, marks }) => ({ set, elements: marks.map(markElement) }))
      return this.#table.change(changes) === 0
    })
    const isTaken = log !== undefined && this.#table.rehearse(this.#writing(PROBE, log)) === 0
    this.#log = isTaken ? log : undefined
  }

  get program(): RuleProgram | undefined {
    return this.#program
  }

  get canLog(): boolean {
    return this.#log !== undefined
  }

  enforce(program: RuleProgram | undefined): boolean {
    const errno = this.#table.transact(this.#writing(this.#filled(program)))
    if (errno !== 0) {
      this.#refusal = this.#why(errno)
      return false
    }
    this.#program = program
    this.#refusal = undefined
    this.#classes?.took(program)
    this.#named.begin(program)
    this.#look()
    return true
  }

  refusalOf(program: RuleProgram): Refusal | undefined {
    const emptied = this.#classes?.emptied(program) ?? program
    const errno = this.#table.rehearse(this.#writing(emptied))
    return errno === 0 ? undefined : this.#why(errno)
  }

  transactionFor(program: RuleProgram | undefined): Uint8Array {
    return this.#table.transactionBytes(this.#writing(this.#filled(program)))
  }

  wayBack(before: RuleProgram | undefined, tried: RuleProgram | undefined): Uint8Array {
    const filled = this.#filled(before, tried)
    this.#classes?.keepFor(before)
    return this.#table.transactionBytes(this.#writing(filled))
  }

  counts(): ReadonlyMap<string, RuleCount> {
    return this.#program ? this.#table.ruleCounts() : new Map()
  }

  named(found: readonly NamedAddress[]): readonly NamedAddress[] {
    if (this.#named.isEmpty) return []
    const before = this.#table.generation()
    const committed = this.#table.committed
    const fresh = this.#named.add(found)
    if (typeof fresh === 'number') {
      // The table is gone, or refuses: `verify` puts it back, with all names in it.
      this.#fingerprint = undefined
      this.#generation = 0
      return []
    }
    const after = this.#table.generation()
    const isOurs = typeof before === 'object' && before.id === this.#generation
    const own = this.#table.committed - committed
    // What nobody else changed needs no second look.
    if (isOurs && typeof after === 'object' && after.id === before.id + own) this.#generation = after.id
    return fresh
  }

  asksFor(name: string): boolean {
    return this.#named.asksFor(name)
  }

  verify(): PartHealth {
    this.#classes?.sweep()
    const generation = this.#table.generation()
    const isQuiet = typeof generation === 'object' && generation.id === this.#generation
    if (isQuiet && !this.#refusal) return this.health
    if (this.#refusal || this.#table.fingerprint() !== this.#fingerprint) this.#repair()
    else if (typeof generation === 'object') this.#generation = generation.id
    return this.health
  }

  get health(): PartHealth {
    const part = 'rules'
    const refusal = this.#refusal ?? this.#classes?.trouble
    if (refusal) return { part, state: 'degraded', ...refusal }
    if (!this.#program) return { part, state: 'ok', note: 'no rules: all that is not blocked passes' }
    const chains = [...Object.values(this.#program.chains), ...this.#program.branches.map(({ rows }) => rows)]
    const rows = chains.reduce((sum, chain) => sum + chain.length, 0)
    const times = this.#repairs === 1 ? 'once' : `${this.#repairs} times`
    const repaired = this.#repairs === 0 ? '' : `; another program changed it ${times}, put back each time`
    return { part, state: 'ok', note: `${rows} rows in the table inet ${this.#name}${repaired}` }
  }

  stop(keep: boolean): void {
    if (!keep) this.#table.transact(this.#writing(undefined))
    this.#classes?.stop(keep)
    this.#table.close()
    this.#program = undefined
  }

  #filled(program: RuleProgram | undefined, next?: RuleProgram): RuleProgram | undefined {
    if (!this.#classes || !(program ?? next)) return program
    const filled = this.#classes.filled(program ?? NO_ROWS, next)
    return program && filled
  }

  #repair(): void {
    if (performance.now() < this.#repairNotBefore) return
    this.#repairNotBefore = performance.now() + REPAIR_EVERY_MS
    const wasRefused = this.#refusal !== undefined
    if (!this.enforce(this.#program) || wasRefused) return
    this.#repairs++
    this.#onRepair?.(`The table inet ${this.#name} was changed by another program; Gatehouse put it back`)
  }

  #look(): void {
    this.#fingerprint = this.#table.fingerprint()
    const generation = this.#table.generation()
    if (typeof generation === 'object') this.#generation = generation.id
  }

  #writing(program: RuleProgram | undefined, log = this.#log) {
    return (writer: NetlinkWriter, next: () => number): void => {
      const script = new TableScript(writer, this.#name, next)
      if (program)
        writeProgram(script, program, {
          ...(log && { log: new LogChains(log) }),
          named: this.#named.contentsOf(program),
        })
      else script.clear()
    }
  }

  #why(errno: number): Refusal {
    const isHeard = typeof this.#table.generation() === 'object'
    return ruleRefusalOf(errno, this.#name, isHeard)
  }
}
