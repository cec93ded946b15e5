import { defineSource } from '../source.ts'

export default defineSource({
  id: 'hagezi-tif',
  title: 'HaGeZi threat intelligence',
  url: 'https://raw.githubusercontent.com/hagezi/dns-blocklists/main/domains/tif.txt',
  format: 'domains',
  licence: 'GPL-3.0',
  homepage: 'https://github.com/hagezi/dns-blocklists',
  everyHours: 24,
  category: 'malware',
  confidence: 70,
})
