import type { Finding } from '#model/finding.ts'

/** The detection adds the detector's id and technique, and marks a story that it heard before. */
export type ReportedFinding = Omit<Finding, 'detector' | 'technique' | 'again'>
