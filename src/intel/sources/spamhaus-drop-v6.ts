import { defineSource } from '../source.ts'

export default defineSource({
  id: 'spamhaus-drop-v6',
  title: 'Spamhaus DROP for IPv6',
  url: 'https://www.spamhaus.org/drop/drop_v6.json',
  format: 'spamhaus',
  licence: 'free with credit to Spamhaus',
  homepage: 'https://www.spamhaus.org/blocklists/do-not-route-or-peer/',
  everyHours: 24,
  category: 'hijacked',
  confidence: 95,
})
