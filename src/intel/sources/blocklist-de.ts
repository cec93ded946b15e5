import { defineSource } from '../source.ts'

export default defineSource({
  id: 'blocklist-de',
  title: 'blocklist.de',
  url: 'https://lists.blocklist.de/lists/all.txt',
  format: 'plain',
  licence: 'free',
  homepage: 'https://www.blocklist.de/en/export.html',
  everyHours: 6,
  category: 'attacks',
  confidence: 75,
})
