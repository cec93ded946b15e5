import { join } from 'node:path'
import type { DetectorsPort } from '#api/detectors-port.ts'
import type { SettingsPort } from '#api/settings-port.ts'
import type { DaemonConfig } from '#core/daemon-config.ts'
import { createDetectorDesk, type Described } from '#core/detector-desk.ts'
import { openSettingJournal } from '#core/setting-journal.ts'
import { createSettingsDesk } from '#core/settings-desk.ts'
import { type RespondSettings, thresholdsOf } from '#policy/respond/settings.ts'
import type { Base } from './base.ts'
import type { Watching } from './watching.ts'

/** The settings, which can be changed while Gatehouse runs, and the detectors with those that are at work. */
export function openSettings(
  base: Base,
  { capture, observing }: Watching,
  described: readonly Described[],
): { readonly desk: SettingsPort; readonly detectors: DetectorsPort } {
  let inForce: DaemonConfig = base.config
  const detectors = createDetectorDesk({ detectors: described, inForce: () => inForce })
  const desk = createSettingsDesk({
    source: base.configSource,
    started: base.started,
    store: base.store,
    now: base.now,
    note: (undated) => base.gate.note(undated),
    journal: openSettingJournal(join(base.paths.stateFolder, 'settings.json')),
    detectorValue(setting) {
      const [section, id, name] = setting.split('.')
      const state = section === 'detectors' ? detectors.list().find((one) => one.id === id) : undefined
      return state?.settings.find((one) => one.name === name)?.value
    },
    ofProfile: () => new Map([...detectorLimits(detectors.list()), ...thresholds(inForce.respond)]),
    adopt(config) {
      inForce = config
      base.judgement.adopt(config.respond)
      capture.retune(config.detectors)
      observing.retune(config.observers)
      base.adoptShielding(config)
    },
  })
  return { desk, detectors }
}

const detectorLimits = (states: ReturnType<DetectorsPort['list']>) =>
  states.flatMap(({ id, profile, settings }) =>
    settings
      .filter(({ from }) => from === 'profile')
      .map(({ name, value }) => [`detectors.${id}.${name}`, { value, profile }] as const),
  )

const thresholds = (settings: RespondSettings) =>
  Object.entries(thresholdsOf(settings)).map(
    ([name, value]) => [`respond.${name}`, { value, profile: settings.profile }] as const,
  )
