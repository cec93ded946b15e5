import { defineSource } from '../source.ts'

export default defineSource({
  id: 'circl-osint',
  title: 'CIRCL OSINT, a feed of MISP events',
  url: 'https://www.circl.lu/doc/misp/feed-osint/',
  format: 'misp-feed',
  licence: 'free',
  homepage: 'https://www.circl.lu/doc/misp/feed-osint/',
  everyHours: 24,
  category: 'malware',
  confidence: 60,
})
