import { defineSource } from '../source.ts'

export default defineSource({
  id: 'emerging-threats-compromised',
  title: 'Emerging Threats, compromised hosts',
  url: 'https://rules.emergingthreats.net/blockrules/compromised-ips.txt',
  format: 'plain',
  licence: 'BSD',
  homepage: 'https://rules.emergingthreats.net/',
  everyHours: 24,
  category: 'attacks',
  confidence: 75,
})
