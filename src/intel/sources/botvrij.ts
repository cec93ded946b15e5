import { defineSource } from '../source.ts'

export default defineSource({
  id: 'botvrij',
  title: 'Botvrij, a feed of MISP events',
  url: 'https://www.botvrij.eu/data/feed-osint/',
  format: 'misp-feed',
  licence: 'free',
  homepage: 'https://www.botvrij.eu/',
  everyHours: 24,
  category: 'malware',
  confidence: 60,
})
