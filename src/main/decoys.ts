import type { DecoysPort } from '#api/decoys-port.ts'
import type { DetectorsPort } from '#api/detectors-port.ts'
import type { SettingsPort } from '#api/settings-port.ts'
import { createDecoyPort } from '#core/decoy-port.ts'
import { standpointOf } from '#core/standing.ts'
import type { Base } from './base.ts'
import type { Watching } from './watching.ts'

const DETECTOR = 'decoy'

/** Decoys as the API sees them: with what they led to, and changed by the settings. */
export function openDecoys(
  base: Base,
  { alerts, capture }: Watching,
  settings: { readonly desk: SettingsPort; readonly detectors: DetectorsPort },
): DecoysPort {
  const { decoyDesk, decoySettings, shield, gate, allow } = base
  return createDecoyPort({
    desk: decoyDesk,
    inForce: decoySettings,
    settings: settings.desk,
    mode: () => settings.detectors.list().find(({ id }) => id === DETECTOR)?.mode ?? 'act',
    alerts: () => alerts.ofDetector(DETECTOR),
    isBlocked: (address) => gate.shutOutBy(address) !== undefined,
    isOwn: (address) => standpointOf(allow.entries()).isOwn(address),
    isListening: (port) => shield?.isListening(port) === true,
    problem() {
      if (!shield)
        return {
          sentence: 'Gatehouse was started with --dry-run',
          hint: 'Start it without.',
        }
      for (const health of [shield.health, capture.health])
        if (health.state !== 'ok') return { sentence: health.reason, hint: health.remedy }
      return undefined
    },
  })
}
