import { defineSource } from '../source.ts'

export default defineSource({
  id: 'firehol-level1',
  title: 'FireHOL level 1',
  url: 'https://raw.githubusercontent.com/firehol/blocklist-ipsets/master/firehol_level1.netset',
  format: 'plain',
  licence: 'as each of its parts',
  homepage: 'https://iplists.firehol.org/?ipset=firehol_level1',
  everyHours: 12,
  category: 'attacks',
  confidence: 85,
})
