import { defineSource } from '../source.ts'

export default defineSource({
  id: 'tor-exits',
  title: 'Tor exits',
  url: 'https://check.torproject.org/torbulkexitlist',
  format: 'plain',
  licence: 'free',
  homepage: 'https://check.torproject.org/',
  everyHours: 1,
  category: 'anonymity',
  confidence: 100,
})
