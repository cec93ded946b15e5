import { defineSource } from '../source.ts'

export default defineSource({
  id: 'cins-army',
  title: 'CINS Army',
  url: 'https://cinsscore.com/list/ci-badguys.txt',
  format: 'plain',
  licence: 'free',
  homepage: 'https://cinsscore.com/#list',
  everyHours: 24,
  category: 'attacks',
  confidence: 70,
})
