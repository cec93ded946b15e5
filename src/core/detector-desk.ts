import type { DetectorsPort } from '#api/detectors-port.ts'
import type { DetectorState } from '#contract/detectors.ts'
import type { Detector } from '#detect/detector.ts'
import { effectiveSettings } from '#detect/profiles.ts'
import type { RespondSettings } from '#policy/respond/settings.ts'

/** What there is to say of a detector, whatever it looks at. */
export type Described = Pick<Detector<unknown>, 'id' | 'title' | 'technique' | 'settings'>

export interface ChosenSettings {
  readonly respond: Pick<RespondSettings, 'profile' | 'modes'>
  /** What the config itself says: detector id → settings. */
  readonly chosenDetectors: Readonly<Record<string, unknown>>
}

/** Answers what the API asks about detectors. `inForce` is asked each time: settings change. */
export function createDetectorDesk(parts: {
  readonly detectors: readonly Described[]
  readonly inForce: () => ChosenSettings
}): DetectorsPort {
  const stateOf = (detector: Described, { respond, chosenDetectors }: ChosenSettings) => {
    const { profile, modes } = respond
    const { id, title, technique } = detector
    const chosen = (chosenDetectors[id] ?? {}) as Readonly<Record<string, unknown>>
    const settings = effectiveSettings(detector, profile, chosen) as DetectorState['settings']
    return { id, title, technique, mode: modes[id] ?? ('act' as const), profile, settings }
  }
  return {
    list() {
      const inForce = parts.inForce()
      return parts.detectors.map((detector) => stateOf(detector, inForce))
    },
  }
}
