import { defineSource } from '../source.ts'

export default defineSource({
  id: 'urlhaus',
  title: 'abuse.ch URLhaus, URLs that are online',
  url: 'https://urlhaus.abuse.ch/downloads/csv_online/',
  format: 'urlhaus-csv',
  licence: 'CC0',
  homepage: 'https://urlhaus.abuse.ch/',
  everyHours: 1,
  category: 'malware',
  confidence: 90,
})
