import type { RuleEdit, RulesRead, RulesUse } from '../../../src/contract/rule-drafting.ts'
import type {
  RuleExplanation,
  RuleSimulation,
  RulesCheck,
  RulesHold,
  RulesOutcome,
  RulesState,
} from '../../../src/contract/rules.ts'
import { takeBack } from '../acts.ts'
import { ask, ProblemError } from '../api.ts'
import { readAgain } from '../read-again.ts'
import { saidText } from '../text/said.svelte.ts'
import { text } from '../text/text.ts'
import { toasts } from '../toast.svelte.ts'
import { undoStack } from '../undo.svelte.ts'
import { draftRows } from './draft-rows.ts'

const AGAIN_MS = 5_000

/** The rules as this page shows them, and every act on them. One for all screens of the page. */
class RulesDesk {
  state = $state.raw<RulesState | undefined>(undefined)
  inForce = $state.raw<RulesRead | undefined>(undefined)
  /** Absent where the draft is what is in force. */
  draft = $state.raw<RulesRead | undefined>(undefined)
  use = $state.raw<RulesUse | undefined>(undefined)
  problem = $state.raw<ProblemError | undefined>(undefined)
  isBusy = $state(false)

  readonly shown: RulesRead | undefined = $derived(this.draft ?? this.inForce)
  readonly rows = $derived(draftRows(this.shown?.rules ?? [], this.inForce?.rules ?? []))
  readonly packets: ReadonlyMap<string, number> = $derived(
    new Map(this.state?.rules.map(({ id, packets }) => [id, packets])),
  )
  readonly lastAt: ReadonlyMap<string, number> = $derived(
    new Map(this.use?.used.map(({ id, lastAt }) => [id, lastAt])),
  )

  /** Reads now and again until the answer is called. Call it within an effect. */
  watch(): () => void {
    return readAgain(() => void this.read(), AGAIN_MS)
  }

  async read(): Promise<void> {
    const turn = ++this.#turn
    try {
      const [state, use] = await Promise.all([
        ask<RulesState>('GET', 'rules'),
        ask<RulesUse>('GET', 'rules/use'),
      ])
      const inForce = await this.#readText(state.text, this.inForce)
      const draft =
        state.draft === undefined || state.draft === state.text
          ? undefined
          : await this.#readText(state.draft, this.draft)
      // An answer from before an edit must not undo on the page what was edited.
      if (turn !== this.#turn) return
      Object.assign(this, { state, use, inForce, draft, problem: undefined })
    } catch (problem) {
      if (!(problem instanceof ProblemError)) throw problem
      this.problem = problem
    }
  }

  check = (rules: string): Promise<RulesCheck> => ask<RulesCheck>('POST', 'rules/check', { text: rules })

  /** What the draft would be, or what is wrong with it; nothing is kept. */
  try = (edits: readonly RuleEdit[]): Promise<RulesRead> =>
    ask<RulesRead>('POST', 'rules/edit', { edits, dryRun: true })

  /** Edits the draft; `u` takes it back. */
  async edit(edits: readonly RuleEdit[], sentence: string): Promise<boolean> {
    return this.#change(sentence, () => ask('POST', 'rules/edit', { edits }))
  }

  /** Keeps a whole text as the draft. */
  async keep(rules: string, sentence: string = text.rules.draftKept): Promise<boolean> {
    return this.#change(sentence, () => ask('PUT', 'rules/draft', { text: rules }))
  }

  discard = (): Promise<boolean> => this.keep(this.state?.text ?? '', text.rules.discarded)

  /** Puts the draft in force, and asks whether it may stay. `isForced`: also when it cuts what this machine lives on. */
  async apply(confirmSeconds: number, isForced: boolean): Promise<boolean> {
    const request = { confirmSeconds, ...(isForced && { force: true }) }
    return this.#act(() => ask<RulesOutcome>('POST', 'rules/apply', request))
  }

  confirm = (): Promise<boolean> => this.#act(() => ask<RulesOutcome>('POST', 'rules/confirm'))

  rollback = (): Promise<boolean> => this.#act(() => ask<RulesOutcome>('POST', 'rules/rollback'))

  hold = (request: RulesHold): Promise<boolean> =>
    this.#act(() => ask<RulesOutcome>('POST', 'rules/hold', request))

  explain = (target: string, targetPort: number | undefined): Promise<RuleExplanation> =>
    ask<RuleExplanation>('POST', 'rules/explain', { target, ...(targetPort !== undefined && { targetPort }) })

  simulate = (
    period: { readonly since: number; readonly until: number },
    signal: AbortSignal,
  ): Promise<RuleSimulation> =>
    ask<RuleSimulation>('POST', 'rules/simulate', { text: this.shown?.text ?? '', ...period }, signal)

  #turn = 0

  async #act(run: () => Promise<RulesOutcome>): Promise<boolean> {
    this.isBusy = true
    try {
      const { sentence: told, pending, decisionId } = await run()
      const sentence = pending ? text.rules.applied : told
      if (decisionId !== undefined) undoStack.forgetTrials()
      const undo =
        decisionId === undefined
          ? undefined
          : undoStack.remember(saidText(sentence), () => this.#takeBack(decisionId), {
              decisions: [decisionId],
              isTrial: pending !== undefined,
            })
      toasts.show({ kind: 'good', sentence, isSaid: pending === undefined, ...(undo && { undo }) })
      await this.read()
      return true
    } catch (problem) {
      toasts.problem(problem)
      return false
    } finally {
      this.isBusy = false
    }
  }

  async #takeBack(decision: number): Promise<void> {
    await takeBack([decision])
    await this.read()
  }

  /** The draft as it was. What is taken back is not put on the stack again: `u` goes on to what was done before. */
  async #restore(before: string): Promise<void> {
    const rules = { text: before }
    await this.#change(text.rules.restored, () => ask('PUT', 'rules/draft', rules), true)
  }

  async #change(sentence: string, run: () => Promise<unknown>, isUndo = false): Promise<boolean> {
    const before = this.state?.draft ?? this.state?.text ?? ''
    this.isBusy = true
    try {
      await run()
      await this.read()
      const undo = isUndo ? undefined : undoStack.remember(sentence, () => this.#restore(before))
      toasts.show({ kind: 'good', sentence, ...(undo && { undo }) })
      return true
    } catch (problem) {
      toasts.problem(problem)
      return false
    } finally {
      this.isBusy = false
    }
  }

  async #readText(rules: string, known: RulesRead | undefined): Promise<RulesRead> {
    return known?.text === rules ? known : ask<RulesRead>('POST', 'rules/read', { text: rules })
  }
}

export const rulesDesk = new RulesDesk()
