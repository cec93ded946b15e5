import type { DetectorState } from '#contract/detectors.ts'

/** What the API asks about detectors. */
export interface DetectorsPort {
  /** Every detector, with the settings that are at work. */
  list(): readonly DetectorState[]
}
