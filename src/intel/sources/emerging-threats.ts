import { defineSource } from '../source.ts'

export default defineSource({
  id: 'emerging-threats',
  title: 'Emerging Threats, addresses to block',
  url: 'https://rules.emergingthreats.net/fwrules/emerging-Block-IPs.txt',
  format: 'plain',
  licence: 'BSD',
  homepage: 'https://rules.emergingthreats.net/',
  everyHours: 24,
  category: 'attacks',
  confidence: 80,
})
