import { type Actor, type Port, Refused } from '#api/port.ts'
import type { Account, ApiToken, OpenSession } from '#contract/accounts.ts'
import type { Feed, Lookup } from '#contract/intel.ts'
import type {
  Alert,
  Block,
  BlockRequest,
  Connection,
  Decision,
  LiveEvent,
  Status,
} from '#contract/schemas.ts'
import { matches } from '#contract/search/matches.ts'

/** A small product behind the API, for tests of the API, the web process and the command line. */
export interface SmallProduct extends Port {
  readonly acts: { readonly what: string; readonly actor: Actor }[]
  emit(event: LiveEvent): void
}

const STARTED_AT = 1_700_000_000_000

export const aStatus: Status = {
  version: '0.1.0',
  state: 'protecting',
  sentence: '1 program is talking to 1 host. Nothing needs you.',
  startedAt: STARTED_AT,
  now: STARTED_AT + 60_000,
  interfaces: [{ name: 'eth0', received: 10, dropped: 0 }],
  parts: [{ part: 'capture', state: 'ok', note: 'eth0' }],
  counts: {
    packets: 10,
    bytes: 1000,
    flows: 1,
    hosts: 2,
    refusedFlows: 0,
    refusedHosts: 0,
    evictedFlows: 0,
    undecodable: 0,
    alerts: 1,
    blocks: 1,
  },
  rates: { inbound: 2_900_000, outbound: 0 },
}

export const aConnection: Connection = {
  id: 7,
  communityId: '1:abc=',
  protocol: 'tcp',
  direction: 'outbound',
  interfaceName: 'eth0',
  vlan: 0,
  source: '192.0.2.1',
  sourcePort: 40_000,
  target: '198.51.100.7',
  targetPort: 443,
  peer: '198.51.100.7',
  peerPort: 443,
  localPort: 40_000,
  state: 'established',
  openedAt: STARTED_AT,
  seenAt: STARTED_AT + 59_000,
  packetsForward: 5,
  packetsBackward: 5,
  bytesForward: 500,
  bytesBackward: 500,
  rateForward: 10,
  rateBackward: 2_900_000,
  retransmitsForward: 0,
  retransmitsBackward: 0,
  owner: {
    pid: 1,
    path: '/usr/bin/curl',
    name: 'curl\u001b[31m\u202e',
    commandLine: 'curl',
    uid: 0,
    source: 'scan',
  },
  verdict: 'allowed',
  verdictBecause: 'Nothing names this address.',
}

export const aDecision: Decision = {
  id: 3,
  at: STARTED_AT,
  kind: 'block',
  target: '203.0.113.9',
  actor: 'port-scan',
  reason: 'scan of 100 ports',
}

export const aBlock: Block = {
  target: '203.0.113.9',
  origin: 'detector',
  actor: 'port-scan',
  reason: 'scan of 100 ports',
  since: STARTED_AT,
  until: STARTED_AT + 600_000,
  decisionId: 3,
  droppedPackets: 12,
  droppedBytes: 720,
  enforced: true,
}

export const anAlert: Alert = {
  id: 5,
  detector: 'port-scan',
  kind: 'syn',
  severity: 'high',
  confidence: 0.9,
  at: STARTED_AT,
  lastSeenAt: STARTED_AT + 1000,
  times: 2,
  subject: '203.0.113.9',
  summary: '203.0.113.9 tried 100 ports',
  key: 'port-scan/203.0.113.9',
  technique: 'T1046',
  because: 'detectors.port-scan.ports = 10',
  spoofable: false,
  evidence: { firstAt: STARTED_AT, lastAt: STARTED_AT, count: 100, ratePerSecond: 50, samples: [] },
  response: 'Blocked for 10 min',
  archived: false,
}

const aFeed: Feed = {
  id: 'feodo',
  title: 'Feodo\u001b[31m',
  category: 'command-and-control',
  format: 'feodo-csv',
  from: 'https://lists.example/feodo',
  everyHours: 1,
  isOwn: false,
  isOn: true,
  action: 'alert',
  decidedBy: 'person',
  state: 'ok',
  entries: 300,
  updatedAt: STARTED_AT,
  hits: 2,
}

const aListing: Lookup['listings'][number] = {
  list: 'feodo',
  title: 'Feodo',
  category: 'command-and-control',
  action: 'alert',
  matched: '203.0.113.0/24',
  since: STARTED_AT,
  confidence: 95,
  reason: 'QakBot\u001b[2J',
}

const anAccount: Account = {
  name: 'anna',
  role: 'operator',
  hasPassword: true,
  hasCode: false,
  recoveryCodes: 0,
  since: STARTED_AT,
}
const aToken: ApiToken = { id: 1, name: 'grafana', scope: 'metrics', since: STARTED_AT }
const aSession: OpenSession = {
  ...{ id: 'of-anna', name: 'anna', role: 'operator', by: 'link', from: '127.0.0.1' },
  ...{ signedInAt: STARTED_AT, seenAt: STARTED_AT, endsAt: STARTED_AT + 1000 },
}

export function createSmallProduct(): SmallProduct {
  const listeners = new Set<(event: LiveEvent) => void>()
  const acts: SmallProduct['acts'] = []
  const blocks = new Map([[aBlock.target, aBlock]])
  const act = (what: string, actor: Actor) => {
    acts.push({ what, actor })
    return { sentence: what, closedConnections: 0 }
  }
  const summary = {
    key: '/usr/bin/curl\u001b[31m',
    flows: 2,
    bytesIn: 2_900_000,
    bytesOut: 1000,
    firstAt: STARTED_AT,
    lastAt: STARTED_AT + 59_000,
  }
  const first = {
    kind: 'program-host' as const,
    program: '/usr/bin/curl',
    peer: '198.51.100.7',
    at: STARTED_AT,
    lastAt: STARTED_AT,
  }
  const sums = { bytesIn: 2_900_000, bytesOut: 1000, flows: 2, live: [aConnection], recent: [aConnection] }
  return {
    acts,
    views: {
      now: () => aStatus.now,
      connections: (search) => [aConnection].filter((one) => matches(search, one)),
      flows: async ({ search, limit }) => ({
        items: [aConnection].filter((one) => matches(search, one)),
        total: limit,
        totalIsFloor: true,
        next: 'next',
        searchedTo: STARTED_AT,
      }),
      summaries: async ({ by, since }) => ({
        by,
        items: [summary],
        total: 1,
        isComplete: true,
        ...(since !== undefined && { since }),
      }),
      firstSeen: async () => [first],
      program: async (program) => ({
        ...sums,
        program,
        paths: [program],
        pids: [1],
        users: ['root'],
        firstSeenAt: STARTED_AT,
        firsts: [first],
        files: [],
        blocks: [aBlock],
        alerts: [anAlert],
      }),
      host: async (address) => ({
        ...sums,
        address,
        name: 'cdn.example.com\u001b[2J',
        country: 'DE',
        firstSeenAt: STARTED_AT,
        programs: ['/usr/bin/curl'],
        block: aBlock,
        alerts: [anAlert],
      }),
      graph: async () => ({ nodes: [], edges: [], patterns: [], connections: 0, isComplete: true }),
    },
    closes: {
      closeConnection: async (id, actor) => act(`closed ${id}`, actor),
      closeProgram: async (program, dryRun, actor) =>
        act(`${dryRun ? 'would close' : 'closed'} program ${program}`, actor),
      closeHost: async (target, dryRun, actor) =>
        act(`${dryRun ? 'would close' : 'closed'} host ${target}`, actor),
    },
    response: {
      blastRadius: (target) => ({
        target,
        connections: 1,
        hosts: 1,
        programs: [{ name: 'curl', connections: 1 }],
        names: [],
        users: [],
        bytesPerSecond: 10,
        sentence: 'It cuts off 1 live connection of curl.',
      }),
      acceptSuggestion: async (id, actor) => act(`accepted ${id}`, actor),
    },
    emit: (event) => {
      for (const listener of listeners) listener(event)
    },
    status: () => aStatus,
    liveConnections: () => [aConnection],
    flows: async ({ limit, peer }) => ({ items: [{ ...aConnection, ...(peer && { peer }) }], total: limit }),
    alerts: async () => ({ items: [anAlert], total: 1 }),
    archiveAlert: async (id, archived, actor) => {
      act(`archive ${id} ${archived}`, actor)
      return { ...anAlert, id, archived }
    },
    blocks: () => [...blocks.values()],
    async block(request: BlockRequest, actor) {
      if (request.target === '127.0.0.1') {
        throw new Refused(409, '127.0.0.1 stays reachable: it is loopback.', 'Nothing needs doing.')
      }
      if (!request.dryRun) blocks.set(request.target, { ...aBlock, target: request.target })
      return act(
        `${request.dryRun ? 'would block' : 'blocked'} ${request.target} for ${request.seconds}`,
        actor,
      )
    },
    unblock: async (target, dryRun, actor) =>
      act(`${dryRun ? 'would unblock' : 'unblocked'} ${target}`, actor),
    allowList: () => [
      { target: '127.0.0.0/8', source: 'loopback', note: 'loopback' },
      { target: '198.51.100.0/24', source: 'person', note: 'office' },
    ],
    allow: async (request, actor) => act(`allowed ${request.target}`, actor),
    disallow: async (target, actor) => act(`disallowed ${target}`, actor),
    decisions: async () => ({ items: [aDecision], total: 1 }),
    verify: async (head) => ({
      checked: 3,
      removed: 0,
      from: 1,
      to: 3,
      head: 'ab'.repeat(32),
      ...(head !== undefined && { isKnown: head === 'ab'.repeat(32) }),
    }),
    undo: async (id, actor) => act(`undid ${id}`, actor),
    doctor: async () => [{ name: 'nftables', state: 'ok', finding: 'The kernel answers.' }],
    metrics: async () => 'gatehouse_packets_total 10\n',
    loginLink: async (actor, account) => `http://127.0.0.1:8090/login?token=for-${account ?? actor?.name}`,
    intel: {
      feeds: () => [aFeed],
      feed: () => aFeed,
      changeFeed: async (id, { isOn, action }, actor) => {
        const words = `${isOn ? 'on' : 'off'} ${id} ${action ?? ''}`.trim()
        const { sentence } = act(words, { ...actor, role: 'operator' })
        return { sentence, feed: { ...aFeed, isOn } }
      },
      updateFeed: async (id) => ({ sentence: `updated ${id}`, feed: aFeed }),
      decideFeed: async (id, isAccepted) => ({
        sentence: `${isAccepted ? 'took' : 'left'} ${id}`,
        feed: aFeed,
      }),
      lookup: (value) => ({
        value,
        kind: 'target',
        sentence: `${value} is on 1 list.`,
        listings: [aListing],
      }),
      ask: async (value) => ({
        value,
        kind: 'target',
        sentence: `${value} is on no list.`,
        listings: [],
        opinions: [{ service: 'rdap', title: 'RDAP', sentence: 'It belongs to X\u001b[2J', at: STARTED_AT }],
        troubles: ['VirusTotal: no keyFile is set.'],
      }),
      reportAbuse: async ({ address, categories }, actor) => {
        act(`reported ${address} ${categories}`, { ...actor, role: 'operator' })
        return { sentence: `${address} was reported.` }
      },
      reputation: async (value) => ({
        ...{ of: 'address', subject: value, score: 87, sentence: 'It is known to be bad.' },
        factors: [
          { kind: 'list', sentence: 'on Feodo\u001b[2J, 90 % sure', points: 89 },
          { kind: 'first-seen', sentence: 'known for 90 days', points: -2 },
        ],
      }),
      egress: async ({ limit }) => ({
        items: [{ id: 1, at: STARTED_AT, to: 'lists.example:443', what: 'GET /list', why: 'list feodo' }],
        total: limit,
      }),
    },
    setPassword: async (password, account, actor) =>
      void acts.push({ what: `password ${password} of ${account ?? 'owner'}`, actor }),
    accounts: {
      list: () => [anAccount],
      add: async ({ name, role }, actor) => act(`account ${name} ${role}`, actor),
      change: async (name, change, actor) => act(`account ${name} ${JSON.stringify(change)}`, actor),
      remove: async (name, actor) => act(`no account ${name}`, actor),
      setUpCode: () => ({ secret: 'ABC', address: 'otpauth://totp/x?secret=ABC' }),
      confirmCode: async (name, code, actor) => {
        act(`code ${code} of ${name}`, actor)
        return { recoveryCodes: ['01234567-89abcdef'] }
      },
      removeCode: async (name, actor) => act(`no code of ${name}`, actor),
      tokens: () => [aToken],
      issueToken: async ({ name, scope }, actor) => {
        act(`token ${name} ${scope}`, actor)
        return { token: 'gh_text', about: aToken }
      },
      revokeToken: async (id, actor) => act(`no token ${id}`, actor),
      sessions: async () => ['anna', 'ben'].map((name) => ({ ...aSession, name, id: `of-${name}` })),
      endSession: async (id, actor) => act(`no session ${id}`, actor),
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
