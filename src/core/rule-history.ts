import { type Actor, Refused } from '#api/port.ts'
import type { RuleVersionsPort } from '#api/rule-versions-port.ts'
import { compareLines } from '#contract/compared-lines.ts'
import type { RulesApply, RulesCheck, RulesHold, RulesOutcome } from '#contract/rules.ts'
import type { Outcome } from '#contract/schemas.ts'
import type { Target } from '#model/address.ts'
import type { Decision } from '#model/decision.ts'
import type { Gate } from './gate.ts'
import { outcome } from './outcome.ts'
import { duration } from './present.ts'
import type { RuleAct, RuleActs } from './rule-desk-parts.ts'
import type { KeptVersion, RuleVersions } from './rule-versions.ts'

/** The part of the rule desk that versions and their undoing lean on. */
export interface HistoryDesk {
  readonly standing: { readonly text: string; readonly pending: { readonly id: string } | undefined }
  draft(text: string): RulesCheck
  apply(request: RulesApply & { readonly undoes?: number }, actor: string): Promise<RulesOutcome>
  hold(request: RulesHold, actor: string, undoes?: number): Promise<RulesOutcome>
  rollback(actor: string, undoes?: number): RulesOutcome
}

export interface RuleHistoryParts {
  readonly versions: RuleVersions
  readonly note: Gate['note']
  readonly now: () => number
  readonly say: (sentence: string) => void
}

/** What was in force for a time, as long as this run remembers: what an undo needs. */
interface ForATime {
  readonly text: string
  readonly hold?: RulesHold
}

/** As many trials and ends of them can be undone; those are over within the hour. */
const MOST_REMEMBERED = 200

/** Every act on the rules as a decision, every version of them, and the way back from each. */
export class RuleHistory implements RuleActs {
  readonly #parts: RuleHistoryParts
  readonly #forATime = new Map<number, ForATime>()
  #last: Decision | undefined
  /** What waits or holds now. */
  #running: { readonly decisionId: number; readonly kind: RuleAct['kind'] } | undefined

  constructor(parts: RuleHistoryParts) {
    this.#parts = parts
  }

  did(act: RuleAct): { readonly decisionId?: number; readonly version?: number } {
    if (act.kind === 'rules') return this.#cameInForce(act)
    const { kind, actor, seconds, undoes } = act
    const { decision } = this.#parts.note({
      kind,
      target: 'rules' as Target,
      actor,
      reason: act.reason ?? WORDS[kind],
      ...(seconds !== undefined && { forSeconds: seconds }),
      ...(undoes !== undefined && { undoes }),
    })
    this.#last = decision
    const ended = kind === 'rollback' ? this.#running : undefined
    const of = ended && this.#forATime.get(ended.decisionId)
    const hold = kind === 'lockdown' || kind === 'pause' ? { kind, seconds: seconds ?? 0 } : of?.hold
    this.#remember(decision.id, { text: of?.text ?? act.text, ...(hold && { hold }) })
    this.#running = kind === 'rollback' ? undefined : { decisionId: decision.id, kind }
    return { decisionId: decision.id }
  }

  /** Takes back what a decision about the rules did. */
  async undo(decision: Decision, actor: Actor, desk: HistoryDesk): Promise<Outcome> {
    if (decision.kind === 'rules') return this.#undoVersion(decision, actor, desk)
    if (decision.kind === 'rollback') return this.#undoRollback(decision, actor, desk)
    if (!desk.standing.pending || this.#running?.decisionId !== decision.id)
      throw new Refused(409, `Decision ${decision.id} is over: confirmed, ended or taken back.`, SEE)
    return this.#outcomeOf(desk.rollback(actor.name, decision.id))
  }

  /** Answers the API. */
  portOf(desk: HistoryDesk): RuleVersionsPort {
    const { versions } = this.#parts
    const shown = (version: KeptVersion) => ({
      ...version,
      isInForce: version === versions.newest && versions.textOf(version.number) === desk.standing.text,
    })
    const textOf = (number: number): { readonly version: KeptVersion; readonly text: string } => {
      const [version, text] = [versions.numbered(number), versions.textOf(number)]
      if (version && text !== undefined) return { version, text }
      throw new Refused(404, `There is no version ${number} of the rules.`, SEE)
    }
    return {
      list: () => ({ versions: versions.all.map(shown).reverse() }),
      read(number) {
        const { version, text } = textOf(number)
        return { version: shown(version), text }
      },
      restore: (number) => desk.draft(textOf(number).text),
    }
  }

  #cameInForce({ text, actor, reason, undoes }: RuleAct): {
    readonly decisionId?: number
    readonly version?: number
  } {
    this.#running = undefined
    const { versions, note, now, say } = this.#parts
    const before = versions.textOf(versions.newest?.number ?? 0)
    if (before === text) return versions.newest ? { version: versions.newest.number } : {}
    const number = (versions.newest?.number ?? 0) + 1
    const why = reason ?? changeText(before, text)
    const { decision } = note({
      kind: 'rules',
      target: `rules ${number}` as Target,
      actor,
      reason: why,
      ...(undoes !== undefined && { undoes }),
    })
    this.#last = decision
    try {
      versions.keep(text, { at: now(), actor, reason: why, decisionId: decision.id })
    } catch (error) {
      // A full disk must not keep good rules from being enforced.
      say(`Version ${number} of the rules could not be kept: ${(error as Error).message}`)
      return { decisionId: decision.id }
    }
    return { decisionId: decision.id, version: number }
  }

  async #undoVersion({ id }: Decision, actor: Actor, desk: HistoryDesk): Promise<Outcome> {
    const { versions } = this.#parts
    const version = versions.all.find(({ decisionId }) => decisionId === id)
    const before = version && versions.textOf(version.number - 1)
    if (!version || before === undefined)
      throw new Refused(409, `What the rules were before decision ${id} is no longer kept.`, SEE)
    if (desk.standing.text !== versions.textOf(version.number)) {
      const hint = `Take the later changes back first, or make that version the draft: gatehouse rule restore ${Math.max(1, version.number - 1)}`
      throw new Refused(409, `The rules were changed again after decision ${id}.`, hint)
    }
    const reason = `undid decision ${id}`
    return this.#outcomeOf(await desk.apply({ text: before, reason, undoes: id }, actor.name))
  }

  /** What went back becomes the draft again; a hold begins anew. */
  async #undoRollback({ id }: Decision, actor: Actor, desk: HistoryDesk): Promise<Outcome> {
    const was = this.#forATime.get(id)
    if (!was) throw new Refused(409, `What went back by decision ${id} is no longer known.`, SEE)
    const { hold, text } = was
    if (hold) return this.#outcomeOf(await desk.hold(hold, actor.name, id))
    desk.draft(text)
    const sentence = 'The rules that went back are the draft again. Apply them: gatehouse apply --confirm 60s'
    return { sentence, closedConnections: 0 }
  }

  #outcomeOf({ sentence, decisionId }: RulesOutcome): Outcome {
    const decision = this.#last?.id === decisionId ? this.#last : undefined
    return decision ? outcome(decision, sentence, 0) : { sentence, closedConnections: 0 }
  }

  #remember(id: number, what: ForATime): void {
    this.#forATime.set(id, what)
    const [oldest] = this.#forATime.keys()
    if (this.#forATime.size > MOST_REMEMBERED && oldest !== undefined) this.#forATime.delete(oldest)
  }
}

const SEE = 'See the versions: gatehouse rule versions'

const WORDS: Readonly<Record<Exclude<RuleAct['kind'], 'rules'>, string>> = {
  trial: 'in force until somebody confirms them, or they go back',
  rollback: 'the rules before are back',
  lockdown: 'only loopback and open sessions pass',
  pause: 'everything passes that is not blocked',
}

/** What became of a text, in few words. */
function changeText(before: string | undefined, after: string): string {
  if (before === undefined || before === '') return 'the first rules'
  if (after === '') return 'no rules any more'
  const lines = compareLines(before, after)
  const count = (kind: 'added' | 'removed'): number => lines.filter((line) => line.kind === kind).length
  return `lines of the file: ${count('added')} added, ${count('removed')} removed`
}

/** Until when a hold of so many seconds lasts, in words. */
export const holdText = ({ kind, seconds }: RulesHold): string =>
  `${kind === 'pause' ? 'Everything passes that is not blocked' : 'Only loopback and open sessions pass'} for ${duration(seconds)}. End it: gatehouse rollback`
