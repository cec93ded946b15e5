import { defineSource } from '../source.ts'

export default defineSource({
  id: 'threatfox',
  title: 'abuse.ch ThreatFox, the last days',
  url: 'https://threatfox.abuse.ch/export/csv/recent/',
  format: 'threatfox-csv',
  licence: 'CC0',
  homepage: 'https://threatfox.abuse.ch/',
  everyHours: 1,
  category: 'command-and-control',
  confidence: 75,
})
