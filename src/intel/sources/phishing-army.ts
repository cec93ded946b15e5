import { defineSource } from '../source.ts'

export default defineSource({
  id: 'phishing-army',
  title: 'Phishing Army',
  url: 'https://phishing.army/download/phishing_army_blocklist.txt',
  format: 'domains',
  licence: 'CC BY-NC 4.0',
  homepage: 'https://phishing.army/',
  everyHours: 12,
  category: 'malware',
  confidence: 75,
})
