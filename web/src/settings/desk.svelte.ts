import type { DetectorState } from '../../../src/contract/detectors.ts'
import type {
  Setting,
  SettingProblem,
  SettingsChange,
  SettingsOutcome,
  SettingsState,
} from '../../../src/contract/settings.ts'
import { takeBack } from '../acts.ts'
import { ask, ProblemError } from '../api.ts'
import { readAgain } from '../read-again.ts'
import { saidText } from '../text/said.svelte.ts'
import { toasts } from '../toast.svelte.ts'
import { undoStack } from '../undo.svelte.ts'

type Changes = SettingsChange['changes']

const AGAIN_MS = 10_000

/** The settings as this page shows them, and the one way to change them. */
class SettingsDesk {
  state = $state.raw<SettingsState | undefined>(undefined)
  detectors = $state.raw<readonly DetectorState[] | undefined>(undefined)
  problem = $state.raw<ProblemError | undefined>(undefined)
  isBusy = $state(false)

  readonly bySetting: ReadonlyMap<string, Setting> = $derived(
    new Map(this.state?.settings.map((one) => [one.setting, one])),
  )
  readonly waiting: readonly Setting[] = $derived(this.state?.settings.filter(({ waits }) => waits) ?? [])

  /** Reads now and again until the answer is called. Call it within an effect. */
  watch(): () => void {
    return readAgain(() => void this.read(), AGAIN_MS)
  }

  async read(): Promise<void> {
    try {
      const [state, detectors] = await Promise.all([
        ask<SettingsState>('GET', 'settings'),
        ask<DetectorState[]>('GET', 'detectors'),
      ])
      Object.assign(this, { state, detectors, problem: undefined })
    } catch (problem) {
      if (!(problem instanceof ProblemError)) throw problem
      this.problem = problem
    }
  }

  /** What is wrong with changes that nobody made yet; empty where nothing is. */
  async check(changes: Changes): Promise<readonly SettingProblem[]> {
    try {
      await ask<SettingsOutcome>('PATCH', 'settings', { changes, dryRun: true })
      return []
    } catch (problem) {
      if (!(problem instanceof ProblemError)) throw problem
      const found = problemsOf(problem)
      if (found.length === 0) toasts.problem(problem)
      return found
    }
  }

  /** Writes changes into the config file; `u` takes them back. Answers what is wrong, where something is. */
  async change(changes: Changes): Promise<readonly SettingProblem[] | undefined> {
    this.isBusy = true
    try {
      const { sentence, decisions } = await ask<SettingsOutcome>('PATCH', 'settings', { changes })
      const ids = decisions.map(({ id }) => id).reverse()
      const undo =
        ids.length > 0
          ? undoStack.remember(saidText(sentence), () => this.#takeBack(ids), { decisions: ids })
          : undefined
      toasts.show({ kind: 'good', sentence, isSaid: true, ...(undo && { undo }) })
      await this.read()
      return undefined
    } catch (problem) {
      if (!(problem instanceof ProblemError)) throw problem
      toasts.problem(problem)
      return problemsOf(problem)
    } finally {
      this.isBusy = false
    }
  }

  async #takeBack(ids: readonly number[]): Promise<void> {
    await takeBack(ids)
    await this.read()
  }
}

const problemsOf = (problem: ProblemError): readonly SettingProblem[] => {
  const { problems } = problem.extra
  return Array.isArray(problems) ? (problems as readonly SettingProblem[]) : []
}

export const settingsDesk = new SettingsDesk()
