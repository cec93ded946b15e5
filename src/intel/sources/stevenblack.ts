import { defineSource } from '../source.ts'

export default defineSource({
  id: 'stevenblack',
  title: 'StevenBlack hosts',
  url: 'https://raw.githubusercontent.com/StevenBlack/hosts/master/hosts',
  format: 'hosts',
  licence: 'MIT',
  homepage: 'https://github.com/StevenBlack/hosts',
  everyHours: 24,
  category: 'tracking',
  confidence: 60,
})
