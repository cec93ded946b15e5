import { defineSource } from '../source.ts'

export default defineSource({
  id: 'ipsum',
  title: 'IPsum',
  url: 'https://raw.githubusercontent.com/stamparm/ipsum/master/ipsum.txt',
  format: 'plain',
  licence: 'Unlicense',
  homepage: 'https://github.com/stamparm/ipsum',
  everyHours: 24,
  category: 'attacks',
  confidence: 55,
})
