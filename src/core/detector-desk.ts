import type { DetectorsPort } from '#api/detectors-port.ts'
import type { DetectorState } from '#contract/detectors.ts'
import type { Detector } from '#detect/detector.ts'
import { effectiveSettings } from '#detect/profiles.ts'
import type { RespondSettings } from '#policy/respond/settings.ts'

/** Answers what the API asks about detectors. `chosen` is what the config itself says: detector id → settings. */
export function createDetectorDesk(parts: {
  readonly detectors: readonly Detector<unknown>[]
  readonly respond: Pick<RespondSettings, 'profile' | 'modes'>
  readonly chosen: Readonly<Record<string, unknown>>
}): DetectorsPort {
  const { profile, modes } = parts.respond
  const states = parts.detectors.map((detector): DetectorState => {
    const { id, title, technique } = detector
    const chosen = (parts.chosen[id] ?? {}) as Readonly<Record<string, unknown>>
    const settings = effectiveSettings(detector, profile, chosen) as DetectorState['settings']
    return { id, title, technique, mode: modes[id] ?? 'act', profile, settings }
  })
  return { list: () => states }
}
