import { randomUUID } from 'node:crypto'
import { Refused } from '#api/port.ts'
import type { Rules } from '#api/rules-port.ts'
import type {
  PendingRules,
  RuleSimulation,
  RulesApply,
  RulesCheck,
  RulesHold,
  RulesOutcome,
  SimulateRequest,
} from '#contract/rules.ts'
import type { PartHealth } from '#model/health.ts'
import type { RuleBook, RuleProblem } from '#model/rule.ts'
import { check } from '#policy/rules/check.ts'
import { compile } from '#policy/rules/compile.ts'
import { withoutRule, withRule } from '#policy/rules/edit.ts'
import { EMPTY_BOOK, parseRules } from '#policy/rules/parse.ts'
import { describeProblem } from '#policy/rules/rule-reader.ts'
import { ruleText } from '#policy/rules/sentence.ts'
import { parseShortForm } from '#policy/rules/short-form.ts'
import { duration } from './present.ts'
import { RuleCounts } from './rule-counts.ts'
import type { RuleDeskParts } from './rule-desk-parts.ts'
import { explained } from './rule-explanation.ts'
import { holdText } from './rule-history.ts'
import { countOf, neverConfirmed, programOf, readRulesFile, refuseUnfit } from './rule-reading.ts'
import { simulate } from './rule-simulation.ts'
import { rulesState } from './rule-state.ts'
import { type By, type ForNow, type InForce, NO_RULES, secureWayBack, type Waiting } from './rule-trial.ts'
import { unusedRules } from './unused-rules.ts'
import { cutsOf, lockdownText } from './vital-traffic.ts'

const DAY_MS = 86_400_000
const NOBODY = 'nobody confirmed them in time'

/** The desk over which every change of the rules goes: draft, check, apply, confirm; and the way back. */
export class RuleDesk implements Rules {
  readonly #parts: RuleDeskParts
  beside: NonNullable<Rules['beside']> = {}
  #inForce: InForce = NO_RULES
  #waiting: Waiting | undefined
  #draft: string | undefined
  /** Why the person's file is not what is in force. */
  #problems: readonly RuleProblem[] = []
  #isBusy = false
  readonly #counts: RuleCounts

  constructor(parts: RuleDeskParts) {
    this.#parts = parts
    this.#counts = new RuleCounts(parts.enforcer)
  }

  /** Takes the file, or the last good rules where it is not fit. What was never confirmed is gone. */
  start(): void {
    const { files, say } = this.#parts
    if (files.hasPending) {
      files.rollBackPending()
      const reason = 'nobody had confirmed them before the start'
      this.#parts.acts.did({
        kind: 'rollback',
        text: files.readRolledBack() ?? '',
        actor: 'gatehouse',
        reason,
      })
      say('Rules that nobody confirmed were taken back at the start.')
    }
    files.seen()
    const { text, ...read } = this.#readFile()
    const isRolledBack = text !== '' && files.readRolledBack() === text
    if (read.book && !isRolledBack) {
      this.#take({ text, book: read.book })
      this.#tryToKeep(text)
      this.#parts.acts.did({ kind: 'rules', text, actor: 'the file', reason: 'found at the start' })
      return
    }
    this.#tell(isRolledBack ? [neverConfirmed(files.file)] : read.problems)
    const confirmed = files.readConfirmed() ?? ''
    const { book } = this.read(confirmed)
    this.#take(book ? { text: confirmed, book } : NO_RULES)
    say('The last good rules stay in force.')
  }

  /** The rules in force. */
  get book(): RuleBook {
    return this.#inForce.book
  }

  state() {
    return rulesState({
      file: this.#parts.files.file,
      inForce: this.#inForce,
      counts: this.#counts.all(),
      problems: this.#problems,
      pending: this.#waiting?.shown,
      draft: this.#draft,
    })
  }

  read(text: string) {
    return parseRules(text, this.#parts.files.file, this.#parts.world)
  }

  get standing() {
    const { text, book } = this.#inForce
    return { text, book, draft: this.#draft, pending: this.#waiting?.shown }
  }

  check(text: string): RulesCheck {
    const { book, problems } = this.read(text)
    if (!book) return { isValid: false, problems, remarks: [], cuts: [] }
    const now = this.#parts.now()
    const refused = this.#parts.enforcer.refusalOf(compile(book, now))
    const remarks = check(book, now)
    const isInForce = text === this.#inForce.text
    const { since } = this.#counts
    const unused = isInForce ? unusedRules(book, this.#counts.all(), { since, now }) : []
    const isNew = (id: string): boolean => remarks.every((remark) => remark.id !== id)
    return {
      isValid: refused === undefined,
      problems,
      remarks: [...remarks, ...unused.filter(({ id }) => isNew(id))],
      cuts: cutsOf(book, this.#inForce.book, this.#parts.vital()),
      ...(refused && { refusedByKernel: `${refused.reason}. ${refused.remedy}` }),
    }
  }

  draft(text: string): RulesCheck {
    this.#draft = text
    return this.check(text)
  }

  async simulate({ text, since, until }: SimulateRequest): Promise<RuleSimulation> {
    const { book, problems } = this.read(text ?? this.#draft ?? this.#fileText())
    if (!book)
      throw new Refused(400, problems.slice(0, 5).map(describeProblem).join('\n'), 'Correct them first.')
    const period = { since: since ?? this.#parts.now() - DAY_MS, ...(until !== undefined && { until }) }
    return simulate({ draft: book, current: this.#inForce.book }, this.#parts.store, period)
  }

  async apply(request: RulesApply & { readonly undoes?: number }, actor: string): Promise<RulesOutcome> {
    this.#demandFree()
    const text = request.text ?? this.#draft ?? this.#fileText()
    const checked = this.check(text)
    refuseUnfit(checked, request.force === true)
    const { book = EMPTY_BOOK } = this.read(text)
    if (request.dryRun) return { sentence: 'These rules could be applied.', check: checked }
    const { confirmSeconds: seconds, reason, undoes } = request
    if (seconds === undefined) return this.#applyForGood({ text, book }, { checked, actor, reason, undoes })
    return this.#applyForNow({ text, book }, { seconds, actor, checked, reason, undoes })
  }

  async add(request: Parameters<Rules['add']>[0], actor: string): Promise<RulesOutcome> {
    const { rule, at, ...how } = request
    const short = parseShortForm(rule)
    if (!('rule' in short)) throw new Refused(400, `This is no rule: ${short.message}.`, short.hint)
    return this.apply(
      { reason: `added: ${rule}`, ...how, text: withRule(this.#inForce.text, rule, at) },
      actor,
    )
  }

  async remove({ rule, ...how }: Parameters<Rules['remove']>[0], actor: string): Promise<RulesOutcome> {
    const known = this.#inForce.book.rules.find(({ id, number }) => id === rule || String(number) === rule)
    const text = known && withoutRule(this.#inForce.text, known.number)
    if (!known || text === undefined)
      throw new Refused(404, `There is no rule ${rule}.`, 'List them: gatehouse rule list')
    return this.apply({ reason: `removed: ${ruleText(known)}`, ...how, text }, actor)
  }

  async hold({ kind, seconds }: RulesHold, actor: string, undoes?: number): Promise<RulesOutcome> {
    this.#demandFree()
    const text = kind === 'pause' ? '' : lockdownText(this.#parts.sessions())
    const { book = EMPTY_BOOK } = this.read(text)
    const checked = this.check(text)
    const answer = await this.#applyForNow({ text, book }, { seconds, actor, checked, hold: kind, undoes })
    return { ...answer, sentence: holdText({ kind, seconds }) }
  }

  confirm(actor: string): RulesOutcome {
    if (this.#waiting?.shown.hold)
      throw new Refused(409, 'This ends with its time.', 'End it now: gatehouse rollback')
    const { shown, before, reason } = this.#settle()
    this.#parts.files.forgetPending()
    const check = this.check(shown.text)
    const { sentence, ...made } = this.#keep(this.#inForce, before.book, { actor, reason })
    return { sentence: `The rules stay, as ${actor} confirmed.${sentence}`, check, ...made }
  }

  rollback(actor: string, undoes?: number): RulesOutcome {
    const made = this.#goBack(this.#settle(), { actor, reason: `${actor} asked for it`, undoes })
    const { text } = this.#inForce
    return { sentence: `The rules before are back, as ${actor} asked.`, check: this.check(text), ...made }
  }

  explain(request: Parameters<Rules['explain']>[0]) {
    return explained(this.#inForce.book, request, this.#parts)
  }

  /** Once a second: looks after the kernel, the file, and schedules that run out. */
  tick(): void {
    this.#parts.enforcer.verify()
    const { program } = this.#inForce
    if (program?.freshUntil !== undefined && program.freshUntil <= this.#parts.now() && !this.#waiting) {
      this.#take(this.#inForce)
    }
    if (this.#parts.files.hasChanged()) this.#fileChanged()
  }

  get health(): PartHealth {
    const { health } = this.#parts.enforcer
    if (health.state !== 'ok') return health
    const [problem] = this.#problems
    if (problem) {
      const reason = `The rules file is not in force: ${describeProblem(problem)}`
      return { part: 'rules', state: 'degraded', reason, remedy: 'Correct it, then: gatehouse apply' }
    }
    if (!this.#waiting) return health
    return { part: 'rules', state: 'ok', note: `${health.note}; a change waits for: gatehouse confirm` }
  }

  /** An unconfirmed change does not outlive us either. `keep`: the rules stay in force without us. */
  stop(keep: boolean): void {
    if (this.#waiting) this.rollback('the stop')
    this.#parts.enforcer.stop(keep)
  }

  #demandFree(): void {
    if (!this.#waiting && !this.#isBusy) return
    const hint = 'Keep or leave it first: gatehouse confirm, or gatehouse rollback'
    throw new Refused(409, 'A change of the rules waits to be confirmed.', hint)
  }

  #readFile() {
    return readRulesFile(this.#parts.files, this.#parts.world)
  }

  #fileText(): string {
    const { text, isUnreadable, problems } = this.#readFile()
    if (isUnreadable) throw new Refused(409, problems.map(describeProblem).join(), 'The rules in force stay.')
    return text
  }

  /** A full disk must not keep good rules from being enforced. */
  #tryToKeep(text: string): void {
    try {
      this.#parts.files.keepConfirmed(text)
    } catch (error) {
      this.#parts.say(`The rules could not be remembered for later: ${(error as Error).message}`)
    }
  }

  #applyForGood(
    rules: Omit<InForce, 'program'>,
    { checked, ...by }: By & { readonly checked: RulesCheck },
  ): RulesOutcome {
    const before = this.#inForce.book
    this.#demandTaken(this.#take(rules))
    const { sentence, ...made } = this.#keep(rules, before, by)
    return { sentence: `${countOf(rules.book)} in force.${sentence}`, check: checked, ...made }
  }

  async #applyForNow(
    rules: Omit<InForce, 'program'>,
    { seconds, actor, checked, hold, reason, undoes }: ForNow,
  ): Promise<RulesOutcome> {
    const { files, now, say } = this.#parts
    const [before, since] = [this.#inForce, now()]
    const shown: PendingRules = {
      ...(hold && { hold }),
      id: randomUUID(),
      actor,
      since,
      until: since + seconds * 1000,
      text: rules.text,
    }
    this.#isBusy = true
    try {
      const guard = await secureWayBack(shown, { before, book: rules.book }, this.#parts)
      const timer = setTimeout(() => {
        say(
          hold
            ? `The ${hold} is over: the rules are back.`
            : 'Nobody confirmed the rules: those before are back.',
        )
        this.#goBack(this.#settle(), { actor: 'gatehouse', reason: hold ? 'its time was over' : NOBODY })
      }, seconds * 1000)
      this.#waiting = { shown, before, guard, timer, reason }
    } catch (error) {
      files.forgetPending()
      const why = `The way back could not be secured: ${(error as Error).message}.`
      throw new Refused(503, why, 'Nothing was changed. See gatehouse doctor.')
    } finally {
      this.#isBusy = false
    }
    if (!this.#take(rules)) {
      this.#take(this.#settle().before)
      files.rollBackPending()
      this.#demandTaken(false)
    }
    const sentence = `${countOf(rules.book)} in force for ${duration(seconds)}. Keep them: gatehouse confirm`
    const kind = hold ?? 'trial'
    const made = this.#parts.acts.did({ kind, text: rules.text, actor, reason, seconds, undoes })
    return { sentence, pending: shown, check: checked, ...made }
  }

  /** What waits is decided: nobody else will decide it any more. */
  #settle(): Waiting {
    const waiting = this.#waiting
    if (!waiting) throw new Refused(409, 'No change of the rules waits.', 'Apply one with --confirm first.')
    clearTimeout(waiting.timer)
    this.#waiting = undefined
    // The files are settled in this same turn; the guard looks at them before it acts.
    setImmediate(() => waiting.guard.stop())
    return waiting
  }

  #goBack({ before, shown }: Waiting, by: By): ReturnType<RuleDeskParts['acts']['did']> {
    this.#take(before)
    this.#parts.files.rollBackPending()
    return this.#parts.acts.did({ kind: 'rollback', text: shown.text, ...by })
  }

  /** The text is the person's file from now on, the last good one, and a version; what it denies is ended. */
  #keep({ text, book }: Omit<InForce, 'program'>, before: RuleBook, by: By) {
    const { files, acts, stayed } = this.#parts
    this.#problems = []
    this.#draft = undefined
    const made = acts.did({ kind: 'rules', text, ...by })
    const ended = stayed(book, before)
    try {
      files.keepConfirmed(text)
      files.forgetRolledBack()
      if (files.read() !== text && (text !== '' || files.read() !== undefined)) files.write(text)
    } catch (error) {
      const why = `The rules are in force, but ${files.file} could not be written: ${(error as Error).message}.`
      throw new Refused(503, why, 'Free space or correct the rights, then apply them again: gatehouse apply')
    } finally {
      files.seen()
    }
    return { ...made, sentence: ended === 0 ? '' : ` Open connections that they deny were closed: ${ended}.` }
  }

  #take({ text, book }: Omit<InForce, 'program'>): boolean {
    const isSame = text === this.#inForce.text
    const before = isSame ? this.#counts.all() : new Map()
    const program = programOf(book, this.#parts.now())
    const isTaken = this.#parts.enforcer.enforce(program)
    if (!isTaken && this.#waiting) return false
    this.#counts.goOnFrom(before, this.#parts.now())
    this.#inForce = { text, book, program }
    return isTaken
  }

  #demandTaken(isTaken: boolean): void {
    if (isTaken) return
    const { health } = this.#parts.enforcer
    const [reason, remedy] =
      health.state === 'ok' ? ['The kernel refuses.', ''] : [health.reason, health.remedy]
    throw new Refused(503, reason, remedy)
  }

  #fileChanged(): void {
    const { files, say, appliesFileChanges } = this.#parts
    files.seen()
    const { text, ...read } = this.#readFile()
    if (read.isUnreadable || text === this.#inForce.text) {
      this.#tell(read.problems.filter(isError))
      return
    }
    // Only touched: what is wrong with it was told.
    if (text === this.#draft && this.#problems.length > 0) return
    const { isValid, problems, cuts } = this.draft(text)
    if (appliesFileChanges && isValid && cuts.length === 0 && !this.#waiting && !this.#isBusy) {
      this.apply({ text, reason: 'the file was changed' }, 'the file').then(
        ({ sentence }) => say(`${files.file} changed. ${sentence}`),
        (error: Error) => say(`${files.file} changed, but: ${error.message}`),
      )
      return
    }
    say(`${files.file} changed: it waits as a draft. See gatehouse rule check, then gatehouse apply.`)
    this.#tell(problems.filter(isError))
  }

  /** Why the file is not in force, or that there is nothing against it. */
  #tell(problems: readonly RuleProblem[]): void {
    this.#problems = problems
    for (const problem of problems.slice(0, 5)) this.#parts.say(describeProblem(problem))
  }
}

const isError = ({ severity }: RuleProblem): boolean => severity === 'error'
