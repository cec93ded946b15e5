import { join } from 'node:path'
import type { SettingsPort } from '#api/settings-port.ts'
import type { DaemonConfig } from '#core/daemon-config.ts'
import { openSettingJournal } from '#core/setting-journal.ts'
import { createSettingsDesk } from '#core/settings-desk.ts'
import type { Base } from './base.ts'
import type { Watching } from './watching.ts'

/** The settings that can be changed while Gatehouse runs, and those in force. */
export function openSettings(
  base: Base,
  { capture, observing }: Watching,
): { readonly desk: SettingsPort; readonly inForce: DaemonConfig } {
  let inForce = base.config
  const desk = createSettingsDesk({
    source: base.configSource,
    started: base.started,
    note: (undated) => base.gate.note(undated),
    journal: openSettingJournal(join(base.paths.stateFolder, 'settings.json')),
    adopt(config) {
      inForce = config
      base.judgement.adopt(config.respond)
      capture.retune(config.detectors)
      observing.retune(config.observers)
    },
  })
  return {
    desk,
    get inForce() {
      return inForce
    },
  }
}
