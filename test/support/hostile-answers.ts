import type { Page } from 'playwright-core'

/** What a text from outside may try: markup, a script, ANSI colours, a reversal that forges the ending, and sheer length. */
export const HOSTILE = '<img src=x onerror=hit()><script>hit()</script>\u001b[31m\u202Egpj.sh\u2066\u0000\n'
const LENGTH = 10_000
export const HOSTILE_TEXT = `${HOSTILE}${'W'.repeat(LENGTH / 2)} ${'breaks here '.repeat(LENGTH / 24)}`

/** Fields that hold words of programs, of the wire, of lists or of people. */
const FREE = new Set(
  [
    ...[
      'about',
      'actor',
      'asName',
      'because',
      'blockedBecause',
      'city',
      'comment',
      'commandLine',
      'container',
    ],
    ...[
      'description',
      'detail',
      'expected',
      'finding',
      'flip',
      'homepage',
      'label',
      'licence',
      'message',
      'names',
    ],
    ...[
      'note',
      'parents',
      'programs',
      'reason',
      'remedy',
      'response',
      'script',
      'sentence',
      'summary',
      'tags',
    ],
    ...['title', 'unit', 'user', 'users', 'verdictBecause', 'what'],
  ].map((key) => key.toLowerCase()),
)

function poisoned(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return FREE.has(key.toLowerCase()) ? `${HOSTILE_TEXT}${value}` : value
  if (Array.isArray(value)) return value.map((one) => poisoned(one, key))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, poisoned(inner, name)]))
}

const owner = {
  pid: 4242,
  path: `/opt/${HOSTILE_TEXT}`.slice(0, 4096),
  name: HOSTILE_TEXT,
  commandLine: HOSTILE_TEXT,
  uid: 1000,
  user: HOSTILE_TEXT,
  source: 'scan',
  unit: HOSTILE_TEXT,
  container: { engine: 'docker', id: 'f'.repeat(64), name: HOSTILE_TEXT },
  script: HOSTILE_TEXT,
  parents: [HOSTILE_TEXT, 'bash', 'systemd'],
}

/** A connection that the stream never speaks of: it stays as it is. */
const connection = (id: number, now: number) => ({
  id,
  communityId: HOSTILE_TEXT,
  protocol: 'tcp',
  direction: 'outbound',
  interfaceName: HOSTILE_TEXT,
  vlan: 0,
  source: '192.0.2.1',
  sourcePort: 40_000,
  target: '203.0.113.66',
  targetPort: 443,
  peer: '203.0.113.66',
  peerPort: 443,
  localPort: 40_000,
  state: 'established',
  openedAt: now - 60_000,
  seenAt: now,
  packetsForward: 5,
  packetsBackward: 5,
  bytesForward: 500,
  bytesBackward: 500,
  rateForward: 1e9,
  rateBackward: 1e9,
  retransmitsForward: 0,
  retransmitsBackward: 0,
  name: HOSTILE_TEXT,
  nameSource: 'tls',
  country: 'JP',
  city: HOSTILE_TEXT,
  asn: 64_500,
  asName: HOSTILE_TEXT,
  ja4: HOSTILE_TEXT,
  verdict: 'blocked',
  verdictBecause: HOSTILE_TEXT,
  owner,
})

const alert = (now: number) => ({
  id: 900_001,
  detector: 'port-scan',
  kind: HOSTILE_TEXT,
  severity: 'high',
  confidence: 0.9,
  at: now - 60_000,
  lastSeenAt: now,
  times: 2,
  subject: '203.0.113.66',
  summary: HOSTILE_TEXT,
  key: 'k',
  technique: HOSTILE_TEXT,
  because: `detectors.port-scan.ports = ${HOSTILE_TEXT}`,
  spoofable: false,
  evidence: {
    firstAt: now - 60_000,
    lastAt: now,
    count: 100,
    ratePerSecond: 50,
    ports: [22, 80],
    hosts: [HOSTILE_TEXT],
    samples: [],
  },
  response: HOSTILE_TEXT,
  archived: false,
  suggestion: { target: '203.0.113.66', forSeconds: 600 },
})

const block = (now: number) => ({
  target: '203.0.113.66',
  origin: 'detector',
  actor: HOSTILE_TEXT,
  reason: HOSTILE_TEXT,
  since: now - 60_000,
  until: now + 600_000,
  alertId: 900_001,
  decisionId: 900_001,
  droppedPackets: 12,
  droppedBytes: 720,
  lastDropAt: now,
  enforced: true,
})

const decision = (now: number) => ({
  id: 900_001,
  at: now,
  kind: 'block',
  target: HOSTILE_TEXT,
  actor: HOSTILE_TEXT,
  reason: HOSTILE_TEXT,
})

type Json = Record<string, unknown>

/** Puts what is made up beside what the daemon answers, by the path below the API. */
function withMore(path: string, answer: unknown): unknown {
  const now = Date.now()
  if (path === 'connections')
    return [...(answer as unknown[]), connection(900_001, now), connection(900_002, now)]
  if (path === 'blocks') return [...(answer as unknown[]), block(now)]
  const page = answer as Json & { items?: unknown[] }
  const first = { flows: connection(900_003, now), alerts: alert(now), decisions: decision(now) }[path]
  return first && page.items ? { ...page, items: [first, ...page.items] } : answer
}

/** Within the page: what the daemon answers goes through the test first. */
const WRAPPED = `{
  const ask = window.fetch
  window.fetch = async (url, ...more) => {
    const answer = await ask(url, ...more)
    const path = String(url).split('?')[0].replace('/api/v1/', '')
    if (!answer.ok || !String(url).startsWith('/api/v1/') || answer.status === 204) return answer
    const text = await window.poison(path, await answer.text())
    return new Response(text, { status: answer.status, headers: answer.headers })
  }
}`

/** From now on all that the daemon answers to this page is as hostile as a text can be. Its stream stays as it is. */
export async function makeHostile(page: Page): Promise<void> {
  await page.exposeFunction('poison', (path: string, text: string) =>
    JSON.stringify(poisoned(withMore(path, JSON.parse(text)))),
  )
  await page.addInitScript(WRAPPED)
}
