import { resolve } from 'node:path'
import type { ZodType } from 'zod'
import { type CaptureSettings, captureSettings } from '#capture/settings.ts'
import type { RunOptions } from '#cli/command.ts'
import { ConfigError, type ConfigProblem } from '#config/config-error.ts'
import { environmentOverrides } from '#config/environment.ts'
import { type Config, type EffectiveSetting, loadConfig, type Override } from '#config/load.ts'
import type { Sections } from '#config/schema.ts'
import { loadDetectors } from '#detect/detection.ts'
import { loadObservers } from '#detect/observation.ts'
import { withProfile } from '#detect/profiles.ts'
import { type OwnersSettings, ownersSettings } from '#identify/owners/settings.ts'
import { type PlacesSettings, placesSettings } from '#identify/places/settings.ts'
import { type IntelSettings, intelSettings } from '#intel/settings.ts'
import { type LogSettings, logSettings } from '#logs/settings.ts'
import { parseTarget } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import { type PlaybooksSettings, playbooksSettingsFor } from '#policy/playbooks/settings.ts'
import { type RespondSettings, respondSettingsFor } from '#policy/respond/settings.ts'
import { type ReportSettings, reportSettings } from '#report/settings.ts'
import { type StoreSettings, storeSettings } from '#store/settings.ts'
import { type DecoySettings, decoySettings } from './decoys.ts'
import type { DaemonPaths } from './paths.ts'
import {
  allowSettings,
  type EnforceSettings,
  enforceSettings,
  type PageSettings,
  pageSettings,
  type RuleSettings,
  ruleSettings,
} from './settings.ts'
import { type ShieldSettings, shieldSettings } from './shield-answer.ts'

/** All settings of a daemon, checked. */
export interface DaemonConfig {
  readonly capture: CaptureSettings
  /** Detector id → its settings: of those that look at packets, and of those that look at what the core knows. */
  readonly detectors: Readonly<Record<string, unknown>>
  readonly observers: Readonly<Record<string, unknown>>
  /** The same without the profile: what somebody wrote. */
  readonly chosenDetectors: Readonly<Record<string, unknown>>
  readonly respond: RespondSettings
  readonly playbooks: PlaybooksSettings
  readonly enforce: EnforceSettings
  readonly rules: RuleSettings
  readonly store: StoreSettings
  readonly owners: OwnersSettings
  readonly places: PlacesSettings
  readonly intel: IntelSettings
  readonly shield: ShieldSettings
  readonly decoys: DecoySettings
  readonly logs: LogSettings
  readonly report: ReportSettings
  readonly page: PageSettings
  readonly allow: readonly AllowEntry[]
  readonly dryRun: boolean
}

/** Every section that the config may have; a detector's settings are `detectors.<id>`. */
export async function configSections() {
  const detectors: Record<`detectors.${string}`, ZodType> = {}
  const observers = await loadObservers()
  const all = [...(await loadDetectors()), ...observers]
  const ids = all.map(({ id }) => id)
  const informing = observers.flatMap(({ id, usualMode }) => (usualMode === 'watch' ? [id] : []))
  for (const { id, settings } of all) detectors[`detectors.${id}`] = settings
  return {
    capture: captureSettings,
    respond: respondSettingsFor(ids, informing),
    playbooks: playbooksSettingsFor(ids),
    enforce: enforceSettings,
    rules: ruleSettings,
    allow: allowSettings,
    store: storeSettings,
    page: pageSettings,
    owners: ownersSettings,
    places: placesSettings,
    intel: intelSettings,
    shield: shieldSettings,
    decoys: decoySettings,
    logs: logSettings,
    report: reportSettings,
    ...detectors,
  }
}

/** The config as it stands now, and each setting of it with where its value comes from. */
export interface ReadConfig {
  readonly config: DaemonConfig
  readonly settings: readonly EffectiveSetting[]
}

/** Where the config comes from: a file, with the environment and the flags of the command line above it. */
export interface ConfigSource {
  readonly path: string
  readonly sections: Sections
  /** Reads the file anew, or `text` as if it stood there. Throws ConfigError. */
  read(text?: string): ReadConfig
}

export async function openConfigSource(flags: RunOptions, paths: DaemonPaths): Promise<ConfigSource> {
  const sections = await configSections()
  const { configFile: path, isConfigNamed: isRequired } = paths
  const observerIds = (await loadObservers()).map(({ id }) => id)
  const overrides = [...environmentOverrides(sections, process.env), ...flagOverrides(flags)]
  return {
    path,
    sections,
    read(text) {
      const given = text === undefined ? {} : { text }
      const { sections: values, settings } = loadConfig({ path, isRequired, sections, overrides, ...given })
      const config = configOf(values, settings, { path, observerIds, dryRun: flags.dryRun === true })
      demandFit(sections, config, path)
      return { config, settings }
    },
  }
}

/** What fits alone may not fit with the limits of the profile. */
function demandFit(sections: Sections, config: DaemonConfig, origin: string): void {
  const { detectors, observers, respond } = config
  const problems = Object.entries({ ...detectors, ...observers }).flatMap(([id, values]): ConfigProblem[] => {
    const issue = sections[`detectors.${id}`]?.safeParse(values).error?.issues[0]
    if (!issue) return []
    const setting = ['detectors', id, ...issue.path.map(String)].join('.')
    const message = `this does not fit with the profile ${respond.profile}: ${issue.message}`
    return [{ origin, setting, message, hint: 'Change this setting, or respond.profile.' }]
  })
  if (problems.length > 0) throw new ConfigError(problems)
}

/** Reads the config once. Throws ConfigError. */
export const loadDaemonConfig = async (flags: RunOptions, paths: DaemonPaths): Promise<DaemonConfig> =>
  (await openConfigSource(flags, paths)).read().config

type Values = Config<Awaited<ReturnType<typeof configSections>>>['sections']

function configOf(
  read: Values,
  settings: readonly EffectiveSetting[],
  {
    path,
    observerIds,
    dryRun,
  }: { readonly path: string; readonly observerIds: readonly string[]; readonly dryRun: boolean },
): DaemonConfig {
  const chosenDetectors = chosenOf(settings)
  const all = Object.entries(withProfile(read.respond.profile, chosenDetectors))
  return {
    capture: read.capture,
    detectors: Object.fromEntries(all.filter(([id]) => !observerIds.includes(id))),
    observers: Object.fromEntries(all.filter(([id]) => observerIds.includes(id))),
    chosenDetectors,
    respond: read.respond,
    playbooks: read.playbooks,
    enforce: read.enforce,
    rules: read.rules,
    store: read.store,
    page: read.page,
    owners: read.owners,
    places: read.places,
    intel: read.intel,
    shield: read.shield,
    decoys: read.decoys,
    logs: read.logs,
    report: read.report,
    allow: read.allow.flatMap((text) => {
      const target = parseTarget(text)
      return target ? [{ target, source: 'config' as const, note: `in ${path}` }] : []
    }),
    dryRun,
  }
}

function flagOverrides(flags: RunOptions): Override[] {
  const given: readonly (readonly [setting: string, name: string, value: unknown])[] = [
    ['capture.interfaces', '--interface', flags.interfaces],
    ['rules.file', '--rules', flags.rules === undefined ? undefined : resolve(flags.rules)],
    ['capture.loopback', '--loopback', flags.loopback],
    ['page.port', '--port', flags.port],
    ['page.host', '--host', flags.host],
    ['page.enabled', '--no-page', flags.page],
  ]
  return given.flatMap(([setting, name, value]) =>
    value === undefined ? [] : [{ setting, name, value, from: 'flag' as const }],
  )
}

/** What somebody wrote about detectors: a default is nobody's choice, so that a profile may set it. */
function chosenOf(settings: readonly EffectiveSetting[]): Record<string, Record<string, unknown>> {
  const chosen: Record<string, Record<string, unknown>> = {}
  for (const { setting, value, origin } of settings) {
    const [section, detector, key] = setting.split('.')
    if (section !== 'detectors' || !detector || !key || origin.from === 'default') continue
    chosen[detector] = { ...chosen[detector], [key]: value }
  }
  return chosen
}
