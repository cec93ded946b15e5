import { defineSource } from '../source.ts'

export default defineSource({
  id: 'adguard-dns',
  title: 'AdGuard DNS filter',
  url: 'https://adguardteam.github.io/AdGuardSDNSFilter/Filters/filter.txt',
  format: 'adblock',
  licence: 'GPL-3.0',
  homepage: 'https://github.com/AdguardTeam/AdGuardSDNSFilter',
  everyHours: 24,
  category: 'tracking',
  confidence: 60,
})
