/** How a detector that suggests blocks has stood the test. */
export interface Trust {
  readonly detector: string
  /** Suggestions that people accepted since one of its own blocks was last taken back. */
  readonly accepted: number
  /** When that changed: milliseconds since the epoch. */
  readonly at: number
}
