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
import { type Guard, startGuard } from '#enforce/start-guard.ts'
import type { PartHealth } from '#model/health.ts'
import type { RuleBook, RuleProblem } from '#model/rule.ts'
import type { RuleProgram } from '#model/rule-program.ts'
import { check } from '#policy/rules/check.ts'
import { compile } from '#policy/rules/compile.ts'
import { withoutRule, withRule } from '#policy/rules/edit.ts'
import { EMPTY_BOOK, parseRules } from '#policy/rules/parse.ts'
import { describeProblem } from '#policy/rules/rule-reader.ts'
import { parseShortForm } from '#policy/rules/short-form.ts'
import { duration } from './present.ts'
import type { RuleDeskParts } from './rule-desk-parts.ts'
import { explained } from './rule-explanation.ts'
import { countOf, neverConfirmed, programOf, readRulesFile, refuseUnfit } from './rule-reading.ts'
import { simulate } from './rule-simulation.ts'
import { rulesState } from './rule-state.ts'
import { cutsOf, lockdownText } from './vital-traffic.ts'

/** Rules as they are in force: their text, and what it means. */
interface InForce {
  readonly text: string
  readonly book: RuleBook
  readonly program: RuleProgram | undefined
}

interface Waiting {
  readonly shown: PendingRules
  readonly before: InForce
  readonly guard: Guard
  readonly timer: NodeJS.Timeout
}

/** How rules are in force that go back by themselves. */
interface ForNow {
  readonly seconds: number
  readonly actor: string
  readonly checked: RulesCheck
  readonly hold?: RulesHold['kind']
}

const DAY_MS = 86_400_000
const NO_RULES: InForce = { text: '', book: EMPTY_BOOK, program: undefined }

/** The desk over which every change of the rules goes: draft, check, apply, confirm; and the way back. */
export class RuleDesk implements Rules {
  readonly #parts: RuleDeskParts
  beside: NonNullable<Rules['beside']> = {}
  #inForce: InForce = NO_RULES
  #waiting: Waiting | undefined
  #draft: string | undefined
  /** Why the person's file is not what is in force. */
  #problems: readonly RuleProblem[] = []
  #stamp = ''
  #isBusy = false
  /** What rows counted before they were put in place anew. */
  #counted = new Map<string, { packets: number; bytes: number }>()

  constructor(parts: RuleDeskParts) {
    this.#parts = parts
  }

  /** Takes the file, or the last good rules where it is not fit. What was never confirmed is gone. */
  start(): void {
    const { files, say } = this.#parts
    if (files.hasPending) {
      files.rollBackPending()
      say('Rules that nobody confirmed were taken back at the start.')
    }
    this.#stamp = files.stamp
    const { text, ...read } = this.#readFile()
    const isRolledBack = text !== '' && files.readRolledBack() === text
    if (read.book && !isRolledBack) {
      this.#take({ text, book: read.book })
      this.#tryToKeep(text)
      return
    }
    this.#problems = isRolledBack ? [neverConfirmed(files.file)] : read.problems
    for (const problem of this.#problems.slice(0, 5)) say(describeProblem(problem))
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
      counts: this.#counts(),
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
    const refused = this.#parts.enforcer.refusalOf(compile(book, this.#parts.now()))
    return {
      isValid: refused === undefined,
      problems,
      remarks: check(book, this.#parts.now()),
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

  async apply(request: RulesApply, actor: string): Promise<RulesOutcome> {
    this.#demandFree()
    const text = request.text ?? this.#draft ?? this.#fileText()
    const checked = this.check(text)
    refuseUnfit(checked, request.force === true)
    const { book = EMPTY_BOOK } = this.read(text)
    if (request.dryRun) return { sentence: 'These rules could be applied.', check: checked }
    if (request.confirmSeconds === undefined) return this.#applyForGood({ text, book }, checked)
    return this.#applyForNow({ text, book }, { seconds: request.confirmSeconds, actor, checked })
  }

  async add(request: Parameters<Rules['add']>[0], actor: string): Promise<RulesOutcome> {
    const { rule, at, ...how } = request
    const short = parseShortForm(rule)
    if (!('rule' in short)) throw new Refused(400, `This is no rule: ${short.message}.`, short.hint)
    return this.apply({ ...how, text: withRule(this.#inForce.text, rule, at) }, actor)
  }

  async remove({ rule, ...how }: Parameters<Rules['remove']>[0], actor: string): Promise<RulesOutcome> {
    const known = this.#inForce.book.rules.find(({ id, number }) => id === rule || String(number) === rule)
    const text = known && withoutRule(this.#inForce.text, known.number)
    if (text === undefined)
      throw new Refused(404, `There is no rule ${rule}.`, 'List them: gatehouse rule list')
    return this.apply({ ...how, text }, actor)
  }

  async hold({ kind, seconds }: RulesHold, actor: string): Promise<RulesOutcome> {
    this.#demandFree()
    const text = kind === 'pause' ? '' : lockdownText(this.#parts.sessions())
    const { book = EMPTY_BOOK } = this.read(text)
    const checked = this.check(text)
    const answer = await this.#applyForNow({ text, book }, { seconds, actor, checked, hold: kind })
    const what =
      kind === 'pause' ? 'Everything passes that is not blocked' : 'Only loopback and open sessions pass'
    return { ...answer, sentence: `${what} for ${duration(seconds)}. End it: gatehouse rollback` }
  }

  confirm(actor: string): RulesOutcome {
    if (this.#waiting?.shown.hold)
      throw new Refused(409, 'This ends with its time.', 'End it now: gatehouse rollback')
    const { shown } = this.#settle()
    this.#parts.files.forgetPending()
    this.#keep(shown.text)
    return { sentence: `The rules stay, as ${actor} confirmed.`, check: this.check(shown.text) }
  }

  rollback(actor: string): RulesOutcome {
    const { before } = this.#settle()
    this.#goBack(before)
    return { sentence: `The rules before are back, as ${actor} asked.`, check: this.check(before.text) }
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
    if (this.#parts.files.stamp !== this.#stamp) this.#fileChanged()
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

  #applyForGood(rules: Omit<InForce, 'program'>, checked: RulesCheck): RulesOutcome {
    this.#demandTaken(this.#take(rules))
    this.#keep(rules.text)
    return { sentence: `${countOf(rules.book)} in force.`, check: checked }
  }

  async #applyForNow(
    rules: Omit<InForce, 'program'>,
    { seconds, actor, checked, hold }: ForNow,
  ): Promise<RulesOutcome> {
    const { files, now, enforcer, say } = this.#parts
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
      files.keepPending(shown)
      const wayBack = enforcer.wayBack(before.program, programOf(rules.book, since))
      const transaction = Buffer.from(wayBack).toString('base64')
      const { pendingFile, rolledBackFile } = files
      const guard = await startGuard({ id: shown.id, seconds, pendingFile, rolledBackFile, transaction })
      const timer = setTimeout(() => {
        say('Nobody confirmed the rules: those before are back.')
        this.#goBack(this.#settle().before)
      }, seconds * 1000)
      this.#waiting = { shown, before, guard, timer }
    } catch (error) {
      files.forgetPending()
      const why = `The way back could not be secured: ${(error as Error).message}.`
      throw new Refused(503, why, 'Nothing was changed. See gatehouse doctor.')
    } finally {
      this.#isBusy = false
    }
    if (!this.#take(rules)) {
      this.#goBack(this.#settle().before)
      this.#demandTaken(false)
    }
    const sentence = `${countOf(rules.book)} in force for ${duration(seconds)}. Keep them: gatehouse confirm`
    return { sentence, pending: shown, check: checked }
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

  #goBack(before: InForce): void {
    this.#take(before)
    this.#parts.files.rollBackPending()
  }

  /** The text is the person's file from now on, and the last good one. */
  #keep(text: string): void {
    const { files } = this.#parts
    this.#problems = []
    this.#draft = undefined
    try {
      files.keepConfirmed(text)
      files.forgetRolledBack()
      if (files.read() !== text && (text !== '' || files.read() !== undefined)) files.write(text)
    } catch (error) {
      const why = `The rules are in force, but ${files.file} could not be written: ${(error as Error).message}.`
      throw new Refused(503, why, 'Free space or correct the rights, then apply them again: gatehouse apply')
    } finally {
      this.#stamp = files.stamp
    }
  }

  #take({ text, book }: Omit<InForce, 'program'>): boolean {
    const isSame = text === this.#inForce.text
    const before = isSame ? this.#counts() : new Map()
    const program = programOf(book, this.#parts.now())
    const isTaken = this.#parts.enforcer.enforce(program)
    if (!isTaken && this.#waiting) return false
    this.#counted = before
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

  #counts(): Map<string, { packets: number; bytes: number }> {
    const counts = new Map(this.#counted)
    for (const [id, { packets, bytes }] of this.#parts.enforcer.counts()) {
      const before = counts.get(id) ?? { packets: 0, bytes: 0 }
      counts.set(id, { packets: before.packets + packets, bytes: before.bytes + bytes })
    }
    return counts
  }

  #fileChanged(): void {
    const { files, say, appliesFileChanges } = this.#parts
    this.#stamp = files.stamp
    const read = this.#readFile()
    if (read.isUnreadable) {
      this.#problems = read.problems
      return
    }
    const { text } = read
    if (text === this.#inForce.text) return
    const { isValid, problems, cuts } = this.draft(text)
    this.#problems = problems.filter(({ severity }) => severity === 'error')
    if (appliesFileChanges && isValid && cuts.length === 0 && !this.#waiting && !this.#isBusy) {
      this.apply({ text }, 'the file').then(
        ({ sentence }) => say(`${files.file} changed. ${sentence}`),
        (error: Error) => say(`${files.file} changed, but: ${error.message}`),
      )
      return
    }
    say(`${files.file} changed: it waits as a draft. See gatehouse rule check, then gatehouse apply.`)
    for (const problem of this.#problems.slice(0, 5)) say(describeProblem(problem))
  }
}
