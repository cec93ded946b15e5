import { resolve } from 'node:path'
import type { ZodType } from 'zod'
import { type CaptureSettings, captureSettings } from '#capture/settings.ts'
import type { RunOptions } from '#cli/command.ts'
import { environmentOverrides } from '#config/environment.ts'
import { type EffectiveSetting, loadConfig, type Override } from '#config/load.ts'
import { loadDetectors } from '#detect/detection.ts'
import { withProfile } from '#detect/profiles.ts'
import { type PlacesSettings, placesSettings } from '#identify/places/settings.ts'
import { type IntelSettings, intelSettings } from '#intel/settings.ts'
import { parseTarget } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import { type PlaybooksSettings, playbooksSettingsFor } from '#policy/playbooks/settings.ts'
import { type RespondSettings, respondSettingsFor } from '#policy/respond/settings.ts'
import { type StoreSettings, storeSettings } from '#store/settings.ts'
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

/** All settings of a daemon, checked. */
export interface DaemonConfig {
  readonly capture: CaptureSettings
  /** Detector id → its settings. */
  readonly detectors: Readonly<Record<string, unknown>>
  /** The same without the profile: what somebody wrote. */
  readonly chosenDetectors: Readonly<Record<string, unknown>>
  readonly respond: RespondSettings
  readonly playbooks: PlaybooksSettings
  readonly enforce: EnforceSettings
  readonly rules: RuleSettings
  readonly store: StoreSettings
  readonly places: PlacesSettings
  readonly intel: IntelSettings
  readonly page: PageSettings
  readonly allow: readonly AllowEntry[]
  readonly dryRun: boolean
}

/** Every section that the config may have; a detector's settings are `detectors.<id>`. */
export async function configSections() {
  const detectors: Record<`detectors.${string}`, ZodType> = {}
  const all = await loadDetectors()
  const ids = all.map(({ id }) => id)
  for (const { id, settings } of all) detectors[`detectors.${id}`] = settings
  return {
    capture: captureSettings,
    respond: respondSettingsFor(ids),
    playbooks: playbooksSettingsFor(ids),
    enforce: enforceSettings,
    rules: ruleSettings,
    allow: allowSettings,
    store: storeSettings,
    page: pageSettings,
    places: placesSettings,
    intel: intelSettings,
    ...detectors,
  }
}

/** Reads the config, with the flags of the command line above it. Throws ConfigError. */
export async function loadDaemonConfig(flags: RunOptions, paths: DaemonPaths): Promise<DaemonConfig> {
  const sections = await configSections()
  const { sections: read, settings } = loadConfig({
    path: paths.configFile,
    isRequired: paths.isConfigNamed,
    sections,
    overrides: [...environmentOverrides(sections, process.env), ...flagOverrides(flags)],
  })
  const chosenDetectors = chosenOf(settings)
  return {
    capture: read.capture,
    detectors: withProfile(read.respond.profile, chosenDetectors),
    chosenDetectors,
    respond: read.respond,
    playbooks: read.playbooks,
    enforce: read.enforce,
    rules: read.rules,
    store: read.store,
    page: read.page,
    places: read.places,
    intel: read.intel,
    allow: read.allow.flatMap((text) => {
      const target = parseTarget(text)
      return target ? [{ target, source: 'config' as const, note: `in ${paths.configFile}` }] : []
    }),
    dryRun: flags.dryRun === true,
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
