import { textIn } from '../formats/format.ts'
import { fieldsAt, numberIn, type Service } from './service.ts'

const DAY_SECONDS = 86_400
const FILES = ['sha256', 'sha1', 'md5'] as const

/** VirusTotal API v3 (docs.virustotal.com/reference). The free quota: 4 a minute, 500 a day. Sends hash, address or name. */
const virustotal: Service = {
  id: 'virustotal',
  title: 'VirusTotal',
  origin: 'https://www.virustotal.com',
  kinds: ['target', 'domain', ...FILES],
  needsKey: true,
  quotas: [
    { requests: 4, seconds: 60 },
    { requests: 500, seconds: DAY_SECONDS },
  ],
  keepHours: 7 * 24,
  pathOf(kind, value) {
    const what = kind === 'target' ? 'ip_addresses' : kind === 'domain' ? 'domains' : 'files'
    return `/api/v3/${what}/${encodeURIComponent(value)}`
  },
  headersOf: (key) => ({ 'x-apikey': key }),
  read(body) {
    const stats = fieldsAt(body, 'data', 'attributes', 'last_analysis_stats')
    const malicious = numberIn(stats, 'malicious')
    if (malicious === undefined) return undefined
    const counts = Object.values(stats ?? {}).filter((count) => typeof count === 'number')
    const engines = counts.reduce((sum, count) => sum + count, 0)
    // Three engines that agree are seldom wrong together; one often is.
    const score = Math.min(
      100,
      Math.round(malicious < 3 ? 20 * malicious : 50 + (100 * malicious) / Math.max(1, engines)),
    )
    return { score, sentence: `${malicious} of ${engines} engines call it malicious` }
  },
}

/** AbuseIPDB API v2, check (docs.abuseipdb.com). The free quota: 1,000 a day. Reports: abuse-report.ts. */
const abuseipdb: Service = {
  id: 'abuseipdb',
  title: 'AbuseIPDB',
  origin: 'https://api.abuseipdb.com',
  kinds: ['target'],
  needsKey: true,
  quotas: [{ requests: 1_000, seconds: DAY_SECONDS }],
  keepHours: 24,
  pathOf: (_, value) => `/api/v2/check?ipAddress=${encodeURIComponent(value)}&maxAgeInDays=90`,
  headersOf: (key) => ({ key }),
  read(body) {
    const data = fieldsAt(body, 'data')
    const score = numberIn(data, 'abuseConfidenceScore')
    if (score === undefined) return undefined
    return { score, sentence: `${numberIn(data, 'totalReports') ?? 0} reports within 90 days` }
  },
}

/** AlienVault OTX API v1 (otx.alienvault.com/api): how many of its pulses name it. */
const otx: Service = {
  id: 'otx',
  title: 'AlienVault OTX',
  origin: 'https://otx.alienvault.com',
  kinds: ['target', 'domain', ...FILES],
  needsKey: true,
  quotas: [{ requests: 10_000, seconds: 3_600 }],
  keepHours: 24,
  pathOf(kind, value) {
    const address = value.includes(':') ? 'IPv6' : 'IPv4'
    const what = kind === 'target' ? address : kind === 'domain' ? 'domain' : 'file'
    return `/api/v1/indicators/${what}/${encodeURIComponent(value)}/general`
  },
  headersOf: (key) => ({ 'x-otx-api-key': key }),
  read(body) {
    const pulses = numberIn(fieldsAt(body, 'pulse_info'), 'count')
    return pulses === undefined
      ? undefined
      : { score: Math.min(80, 10 * pulses), sentence: `${pulses} pulses name it` }
  },
}

/** Who holds an address: RDAP (RFC 9083), through the redirector of rdap.org. */
const rdap: Service = {
  id: 'rdap',
  title: 'RDAP',
  origin: 'https://rdap.org',
  kinds: ['target'],
  needsKey: false,
  quotas: [{ requests: 10, seconds: 60 }],
  keepHours: 30 * 24,
  pathOf: (_, value) => `/ip/${encodeURIComponent(value)}`,
  headersOf: () => ({}),
  read(body) {
    if (textIn(body, 'objectClassName') !== 'ip network') return undefined
    const parts = [textIn(body, 'name'), textIn(body, 'handle'), textIn(body, 'country')]
    return {
      sentence: `It belongs to ${parts.filter((part) => part !== undefined).join(', ') || 'nobody who is named'}`,
    }
  },
}

export const SERVICES: readonly Service[] = [virustotal, abuseipdb, otx, rdap]
