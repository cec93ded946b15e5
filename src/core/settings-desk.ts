import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Actor, Refused } from '#api/port.ts'
import { type SettingsPort, SettingsRefused } from '#api/settings-port.ts'
import { ConfigError } from '#config/config-error.ts'
import type { EffectiveSetting } from '#config/load.ts'
import { changedConfig, type SettingChange, writeConfig } from '#config/write.ts'
import type {
  Setting,
  SettingsChange,
  SettingsOutcome,
  SettingsState,
  Tuning,
  TuningRequest,
} from '#contract/settings.ts'
import { parsePlacedYaml } from '#lib/placed-yaml.ts'
import { shortened, visibleJson } from '#lib/visible-text.ts'
import type { Target } from '#model/address.ts'
import type { Decision } from '#model/decision.ts'
import type { ConfigSource, DaemonConfig, ReadConfig } from './daemon-config.ts'
import type { Gate } from './gate.ts'
import type { SettingJournal } from './setting-journal.ts'
import { type AlertPages, tuningOf } from './tuning.ts'

export interface SettingsDeskParts {
  readonly source: ConfigSource
  /** As it was read at the start. */
  readonly started: ReadConfig
  /** Makes true at once what can be. */
  readonly adopt: (config: DaemonConfig) => void
  /** The value that is at work, of a setting of a detector: the profile's where nobody wrote one. */
  readonly detectorValue: (setting: string) => unknown
  /** What is at work because of a profile, by setting. */
  readonly ofProfile: () => ReadonlyMap<string, NonNullable<Setting['effective']>>
  readonly note: Gate['note']
  readonly journal: SettingJournal
  /** Recorded alerts. */
  readonly store: AlertPages
  readonly now: () => number
}

/** These take effect without a restart: `adopt` sees to it. */
const AT_ONCE = ['detectors.', 'respond.', 'decoys.', 'shield.']
const TARGET = 'setting '
const DAY_MS = 86_400_000
const MOST_SHOWN = 80
const WHEN_RESTARTED = ' It takes effect when Gatehouse is started again.'

const takesEffectAtOnce = (setting: string): boolean => AT_ONCE.some((section) => setting.startsWith(section))

/** The desk over which the config file is changed: checked first, comments kept, each change a decision. */
export function createSettingsDesk(parts: SettingsDeskParts): SettingsPort {
  return new Desk(parts)
}

class Desk implements SettingsPort {
  readonly #parts: SettingsDeskParts
  /** What is in force: setting → its value. */
  readonly #inForce: Map<string, unknown>

  constructor(parts: SettingsDeskParts) {
    this.#parts = parts
    this.#inForce = new Map(parts.started.settings.map(({ setting, value }) => [setting, value]))
  }

  state(): SettingsState {
    const { source, started } = this.#parts
    try {
      const ofProfile = this.#parts.ofProfile()
      const settings = source.read().settings.map((setting) => {
        const effective = setting.origin.from === 'default' ? ofProfile.get(setting.setting) : undefined
        return { ...this.#shown(setting), ...(effective && { effective }) }
      })
      return { file: source.path, settings, problems: [] }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      const settings = started.settings.map((setting) =>
        this.#shown({ ...setting, value: this.#inForce.get(setting.setting) }),
      )
      return { file: source.path, settings, problems: problemsOf(error) }
    }
  }

  async change(request: SettingsChange, actor: Actor): Promise<SettingsOutcome> {
    const { source } = this.#parts
    const changes = request.changes.map(readChange)
    const { before, after, text } = this.#checked(changes)
    const changed = after.settings.filter(({ setting, value }) => {
      const old = before.settings.find((other) => other.setting === setting)
      return !isSame(old?.value, value)
    })
    const needsRestart = changed.some((setting) => this.#waits(setting))
    const said = changed.map(({ setting, value, isSecret }) => `${setting} = ${valueText(value, isSecret)}`)
    if (request.dryRun) {
      const sentence = said.length === 0 ? 'Nothing would change.' : `It would be: ${said.join(', ')}.`
      return { sentence, decisions: [], needsRestart, file: source.path }
    }
    this.#write(text)
    this.#take(after)
    const decisions = await this.#note(changes, before, actor)
    if (said.length === 0) {
      return { sentence: 'Nothing changed.', decisions, needsRestart, file: source.path }
    }
    const when = needsRestart ? WHEN_RESTARTED : ''
    return { sentence: `${said.join(', ')}.${when}`, decisions, needsRestart, file: source.path }
  }

  async tuning(request: TuningRequest): Promise<Tuning> {
    const { setting, value, days } = request
    const effective = this.#parts.detectorValue(setting)
    if (typeof effective !== 'number') {
      const hint = 'Name a number of a detector, such as detectors.port-scan.refusedPorts.'
      throw new Refused(400, `${setting} is no limit of a detector.`, hint)
    }
    this.#checked([{ setting, value }])
    const since = this.#parts.now() - days * DAY_MS
    return tuningOf({ setting, from: effective, to: value, since }, this.#parts.store)
  }

  async undo(decision: Decision, actor: Actor) {
    const entry = this.#parts.journal.of(decision.id)
    if (!entry) {
      throw new Refused(
        409,
        `What ${decision.target.slice(TARGET.length)} was before decision ${decision.id} is no longer known.`,
        'Set it as you want it: gatehouse config set',
      )
    }
    const { setting, before: value } = entry
    const change = value === undefined ? { setting } : { setting, value }
    const { before, after, text } = this.#checked([change])
    this.#write(text)
    this.#take(after)
    const [made] = await this.#note([change], before, actor, decision.id)
    const now = after.settings.find((other) => other.setting === setting)
    const when = now && this.#waits(now) ? WHEN_RESTARTED : ''
    return {
      ...(made && { decision: made, undo: `/api/v1/decisions/${made.id}/undo` }),
      sentence: `${setting} = ${valueText(now?.value, now?.isSecret === true)} again.${when}`,
      closedConnections: 0,
    }
  }

  /** What the file says now, and what it would say. Throws SettingsRefused when either does not fit. */
  #checked(changes: readonly SettingChange[]) {
    const { source } = this.#parts
    return refusing(() => {
      const before = source.read()
      for (const change of changes) refuseOverridden(before, change.setting)
      const text = changedConfig(source, changes)
      return { before, after: source.read(text), text }
    })
  }

  #write(text: string): void {
    const { path } = this.#parts.source
    refusing(() => {
      try {
        mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
      } catch {
        // Writing the file says what is wrong with its folder.
      }
      writeConfig(path, text)
    })
  }

  #take({ config, settings }: ReadConfig): void {
    this.#parts.adopt(config)
    for (const { setting, value } of settings)
      if (takesEffectAtOnce(setting)) this.#inForce.set(setting, value)
  }

  async #note(
    changes: readonly SettingChange[],
    before: ReadConfig,
    actor: Actor,
    undoes?: number,
  ): Promise<Decision[]> {
    const noted = changes.map(({ setting, value }) => {
      const old = before.settings.find((other) => other.setting === setting)
      const isSecret = old?.isSecret === true
      const to = value === undefined ? 'its default' : valueText(value, isSecret)
      const { decision, recorded } = this.#parts.note({
        kind: 'setting',
        target: `${TARGET}${setting}` as Target,
        actor: actor.name,
        reason: `from ${valueText(old?.value, isSecret)} to ${to}`,
        ...(undoes !== undefined && { undoes }),
      })
      const was = old?.origin.from === 'file' ? { before: old.value } : {}
      return { decision, recorded, entry: { decisionId: decision.id, setting, ...was } }
    })
    this.#parts.journal.keep(noted.map(({ entry }) => entry))
    await Promise.all(noted.map(({ recorded }) => recorded))
    return noted.map(({ decision }) => decision)
  }

  /** It is not what is in force, and will not be before the next start. */
  #waits({ setting, value }: Pick<EffectiveSetting, 'setting' | 'value'>): boolean {
    return !takesEffectAtOnce(setting) && !isSame(this.#inForce.get(setting), value)
  }

  #shown({ value, origin, isSecret, ...rest }: EffectiveSetting): Setting {
    const { setting } = rest
    return {
      ...rest,
      isSecret,
      ...(!isSecret && value !== undefined && { value }),
      origin: origin.from === 'file' ? { from: 'file', line: origin.line } : origin,
      takesEffect: takesEffectAtOnce(setting) ? 'now' : 'restart',
      waits: !isSame(this.#inForce.get(setting), value),
    }
  }
}

function readChange({ setting, value, text }: SettingsChange['changes'][number]): SettingChange {
  if (text === undefined) return value === undefined ? { setting } : { setting, value }
  const { values, faults, document } = parsePlacedYaml(text)
  const [fault] = faults
  if (!fault) return { setting, value: text.trim() === '' ? '' : (document.toJS() ?? values) }
  const problem = { setting, message: fault.message, hint: fault.hint }
  throw new SettingsRefused(`${setting}: ${fault.message}.`, fault.hint, [problem])
}

/** What a flag or a variable says wins over the file: a change of the file would do nothing. */
function refuseOverridden({ settings }: ReadConfig, setting: string): void {
  const origin = settings.find((other) => other.setting === setting)?.origin
  if (origin?.from !== 'flag' && origin?.from !== 'environment') return
  const hint = `Start Gatehouse without ${origin.name}, then the file decides.`
  const message = `${origin.name} says what it is, and wins over the file`
  throw new SettingsRefused(`${setting}: ${message}.`, hint, [{ setting, message, hint }])
}

function refusing<Answer>(work: () => Answer): Answer {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const problems = problemsOf(error)
    const [first] = error.problems
    throw new SettingsRefused(
      error.problems.map(({ setting, origin, message }) => `${setting ?? origin}: ${message}`).join('\n'),
      first?.hint ?? '',
      problems,
    )
  }
}

const problemsOf = ({ problems }: ConfigError): SettingsState['problems'] =>
  problems.map(({ setting, line, column, message, hint }) => ({
    ...(setting !== undefined && { setting }),
    ...(line !== undefined && { line }),
    ...(column !== undefined && { column }),
    message,
    hint,
  }))

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

const valueText = (value: unknown, isSecret: boolean): string => {
  if (isSecret) return 'a secret'
  return value === undefined ? 'nothing' : shortened(visibleJson(value), MOST_SHOWN)
}
