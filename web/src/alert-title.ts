import type { Alert } from '../../src/contract/schemas.ts'
import { language } from './text/language.ts'
import { text } from './text/text.ts'

/** What an alert is called: in English by its own summary, else by its detector, and whom it is about. */
export const alertTitle = ({
  detector,
  subject,
  summary,
}: Pick<Alert, 'detector' | 'subject' | 'summary'>): string =>
  language === 'en' ? summary : text.alerts.about(detectorTitle(detector, detector), subject)

/** By the catalogue, else as the daemon calls it. */
export const detectorTitle = (id: string, title: string): string => text.detectors.titles[id] ?? title
