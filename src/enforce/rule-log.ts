import { type RuleExpressions, VERDICT } from '#kernel/nft-expressions.ts'
import type { TableScript } from '#kernel/nft-rules.ts'
import type { HandedOver } from '#kernel/nft-turned-away.ts'
import type { ProgramRow, ProgramVerdict, RuleProgram } from '#model/rule-program.ts'
import type { TurnedAwayPrefix } from '#model/ruled-packet.ts'

/** What is written about packets that rules turn away or record. */
export interface RuleLogOptions {
  /** Of NFLOG. */
  readonly group: number
  /** So many packets a second are handed over, of all rules together; one rule alone gets a quarter of it. */
  readonly perSecond: number
  /** Bytes of each packet. */
  readonly snapBytes: number
}

/** The counter of packets that were beyond the bound, and so are not written. */
export const UNWRITTEN = 'unwritten'
const ALL_RULES = 'written'
const ONE_RULES_SHARE = 4

/** Of a table that turns packets away, all of it together: as much as of one rule. `prefix` tells whose they are. */
export const handedOver = (
  { group, perSecond, snapBytes }: RuleLogOptions,
  prefix: TurnedAwayPrefix,
): HandedOver => ({
  ...{ group, prefix, snapBytes, counter: UNWRITTEN },
  perSecond: Math.ceil(perSecond / ONE_RULES_SHARE),
})

/**
 * What is written stands in chains of its own, one for each rule and verdict, behind its row: a packet that no such
 * rule decides meets none of it, and a bound that is reached changes no verdict.
 */
export class LogChains {
  readonly #options: RuleLogOptions
  readonly #names = new Map<string, string>()

  constructor(options: RuleLogOptions) {
    this.#options = options
  }

  /** Puts the chains in place; before the rows that go there. `decide` writes what happens to the packet. */
  write(script: TableScript, program: RuleProgram, decide: Decide): void {
    const { perSecond } = this.#options
    script.sharedLimit(ALL_RULES, { packets: perSecond, perSeconds: 1, burst: perSecond * 2 })
    script.sharedCounter(UNWRITTEN)
    const chains = [...Object.values(program.chains), ...program.branches.map(({ rows }) => rows)]
    for (const row of chains.flat()) this.#add(script, row, decide)
  }

  /** Where packets of this row go on; undefined: nothing is written about them. */
  chainOf({ id, verdict }: ProgramRow): string | undefined {
    return this.#names.get(keyOf(id, verdict))
  }

  #add(script: TableScript, { id, verdict }: ProgramRow, decide: Decide): void {
    if (!isWritten(id, verdict) || this.#names.has(keyOf(id, verdict))) return
    const name = `log${this.#names.size + 1}`
    this.#names.set(keyOf(id, verdict), name)
    script.chain(name)
    const { group, perSecond, snapBytes } = this.#options
    const packets = Math.ceil(perSecond / ONE_RULES_SHARE)
    script.rule(name, '', (rule) => {
      rule
        .withinRate({ packets, perSeconds: 1, burst: packets * 2 })
        .share({ kind: 'limit', name: ALL_RULES })
      rule.log({ group, prefix: id, snapBytes })
      if (verdict === 'continue') rule.verdict(VERDICT.return)
      else decide(rule, verdict)
    })
    // Beyond the bound.
    script.rule(name, '', (rule) => {
      rule.share({ kind: 'counter', name: UNWRITTEN })
      decide(rule, verdict)
    })
  }
}

type PlainVerdict = Exclude<ProgramVerdict, object>
type Decide = (rule: RuleExpressions, verdict: PlainVerdict) => void

/** What lets packets through is not written: nothing would be left of the log. */
const isWritten = (id: string, verdict: ProgramVerdict): verdict is PlainVerdict =>
  id !== '' && (verdict === 'drop' || verdict === 'reject' || verdict === 'continue')

const keyOf = (id: string, verdict: ProgramVerdict): string =>
  typeof verdict === 'string' ? `${verdict} ${id}` : ''
