import { defineSource } from '../source.ts'

export default defineSource({
  id: 'feodo',
  title: 'abuse.ch Feodo Tracker',
  url: 'https://feodotracker.abuse.ch/downloads/ipblocklist.csv',
  format: 'feodo-csv',
  licence: 'CC0',
  homepage: 'https://feodotracker.abuse.ch/',
  everyHours: 1,
  category: 'command-and-control',
  confidence: 95,
})
