import { defineSource } from '../source.ts'

export default defineSource({
  id: 'greensnow',
  title: 'GreenSnow',
  url: 'https://blocklist.greensnow.co/greensnow.txt',
  format: 'plain',
  licence: 'free',
  homepage: 'https://greensnow.co/',
  everyHours: 6,
  category: 'attacks',
  confidence: 70,
})
