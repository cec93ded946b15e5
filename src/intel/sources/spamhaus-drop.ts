import { defineSource } from '../source.ts'

export default defineSource({
  id: 'spamhaus-drop',
  title: 'Spamhaus DROP',
  url: 'https://www.spamhaus.org/drop/drop_v4.json',
  format: 'spamhaus',
  licence: 'free with credit to Spamhaus',
  homepage: 'https://www.spamhaus.org/blocklists/do-not-route-or-peer/',
  everyHours: 24,
  category: 'hijacked',
  confidence: 95,
})
