import { z } from '@hono/zod-openapi'
import { RulesStanding } from './rule-drafting.ts'

/** Milliseconds since the epoch. */
const time = z.number().openapi({ description: 'Milliseconds since the epoch' })
const count = z.number().int().nonnegative()
const severity = z.enum(['info', 'low', 'medium', 'high', 'critical'])

/** Every error of the API: RFC 9457. `hint` is what the reader can do about it. */
export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().optional(),
    hint: z.string().optional(),
  })
  .openapi('Problem')

const PartHealth = z
  .object({
    part: z.string(),
    state: z.enum(['ok', 'degraded', 'off']),
    note: z.string().optional(),
    reason: z.string().optional(),
    remedy: z.string().optional(),
  })
  .openapi('PartHealth')

export const Status = z
  .object({
    version: z.string(),
    /** `watching`: no privilege to enforce; `degraded`: something that should work does not. */
    state: z.enum(['protecting', 'watching', 'degraded']),
    /** One sentence for people. */
    sentence: z.string(),
    startedAt: time,
    now: time,
    interfaces: z.array(z.object({ name: z.string(), received: count, dropped: count })),
    parts: z.array(PartHealth),
    counts: z.object({
      packets: count,
      bytes: count,
      flows: count,
      hosts: count,
      /** Refusals of the bounded tables. */
      refusedFlows: count,
      refusedHosts: count,
      /** Let go early by the full table of flows. */
      evictedFlows: count,
      /** Frames that could not be decoded. */
      undecodable: count,
      alerts: count,
      blocks: count,
    }),
    /** Bytes per second over the last second, from this machine's view. */
    rates: z.object({ inbound: z.number(), outbound: z.number() }),
  })
  .openapi('Status')

const Owner = z
  .object({
    pid: count,
    path: z.string(),
    unreadableBecause: z.string().optional(),
    /** True when the executable was removed or replaced after the program started. */
    executableGone: z.boolean().optional(),
    name: z.string(),
    commandLine: z.string(),
    uid: count,
    user: z.string().optional(),
    parentPid: count.optional(),
    startedAt: time.optional(),
    source: z.enum(['ebpf', 'netlink', 'scan', 'guess', 'kernel']),
    /** 0 to 1: how sure it is that this program has the socket. */
    confidence: z.number().min(0).max(1).optional(),
    /** The systemd unit. */
    unit: z.string().optional(),
    container: z
      .object({
        engine: z.enum(['docker', 'podman', 'containerd', 'cri-o', 'kubernetes', 'lxc', 'nspawn']),
        id: z.string(),
        name: z.string().optional(),
        pod: z
          .object({ uid: z.string(), name: z.string().optional(), namespace: z.string().optional() })
          .optional(),
      })
      .optional(),
    sandbox: z.object({ kind: z.enum(['snap', 'flatpak', 'appimage']), name: z.string() }).optional(),
    /** What an interpreter runs, as its command line names it. */
    script: z.string().optional(),
    /** Short names of the processes above it, its parent first. */
    parents: z.array(z.string()).readonly().optional(),
  })
  .openapi('Owner')

export const Connection = z
  .object({
    id: z.number(),
    communityId: z.string(),
    protocol: z.string().openapi({ description: 'tcp, udp, icmp …, or the number' }),
    direction: z.enum(['inbound', 'outbound', 'forward', 'local']),
    interfaceName: z.string(),
    vlan: count,
    source: z.string(),
    sourcePort: count,
    target: z.string(),
    targetPort: count,
    peer: z.string(),
    peerPort: count,
    localPort: count,
    state: z.string(),
    ended: z.string().optional(),
    openedAt: time,
    seenAt: time,
    packetsForward: count,
    packetsBackward: count,
    bytesForward: count,
    bytesBackward: count,
    /** Bytes per second, source to target and back. */
    rateForward: z.number(),
    rateBackward: z.number(),
    handshakeMs: z.number().optional(),
    retransmitsForward: count,
    retransmitsBackward: count,
    owner: Owner.optional(),
    name: z.string().optional().openapi({ description: 'What the peer is called' }),
    nameSource: z.enum(['dns', 'tls', 'http', 'mdns', 'ptr']).optional(),
    country: z.string().optional().openapi({ description: 'Of the peer: ISO 3166-1 alpha-2' }),
    asn: count.optional().openapi({ description: 'Autonomous system of the peer' }),
    asName: z.string().optional(),
    listed: z
      .array(z.string())
      .readonly()
      .optional()
      .openapi({ description: 'Ids of the threat lists that hold the peer or its name' }),
    ja3: z.string().optional().openapi({ description: 'How its client speaks TLS; of open connections' }),
    ja4: z.string().optional(),
    city: z.string().optional(),
    special: z
      .string()
      .optional()
      .openapi({ description: 'What the address of the peer is reserved for: private, loopback …' }),
    /** `blocked` when a block in force names the peer. */
    verdict: z.enum(['allowed', 'blocked']),
    verdictBecause: z.string(),
  })
  .openapi('Connection')

const SamplePacket = z.object({
  at: time,
  source: z.string(),
  sourcePort: count,
  target: z.string(),
  targetPort: count,
  protocol: count,
  tcpFlags: count,
  length: count,
})

export const Alert = z
  .object({
    id: z.number().int(),
    detector: z.string(),
    kind: z.string(),
    severity,
    confidence: z.number(),
    at: time,
    lastSeenAt: time,
    times: count,
    subject: z.string(),
    /** `nobody`: the senders are forged or too many to name; `subject` is the victim. */
    blame: z.literal('nobody').optional(),
    victim: z.string().optional(),
    summary: z.string(),
    key: z.string(),
    technique: z.string(),
    because: z.string(),
    spoofable: z.boolean(),
    evidence: z.object({
      firstAt: time,
      lastAt: time,
      count,
      ratePerSecond: z.number(),
      ports: z.array(count).optional(),
      hosts: z.array(z.string()).optional(),
      peakPerSecond: z.number().optional(),
      packets: count.optional(),
      bytes: count.optional(),
      sources: count.optional(),
      endedAt: time.optional(),
      samples: z.array(SamplePacket),
    }),
    response: z.string(),
    archived: z.boolean(),
    suggestion: z
      .object({ target: z.string(), forSeconds: z.number() })
      .optional()
      .openapi({ description: 'A block that waits for a person to accept it' }),
  })
  .openapi('Alert')

export const Block = z
  .object({
    target: z.string(),
    effect: z
      .literal('limit')
      .optional()
      .openapi({ description: 'Absent: nothing gets through. limit: few packets a second do' }),
    origin: z.enum(['detector', 'person', 'kernel', 'feed']),
    actor: z.string(),
    reason: z.string(),
    since: time,
    until: time.optional(),
    alertId: z.number().int().optional(),
    decisionId: z.number().int(),
    droppedPackets: count,
    droppedBytes: count,
    lastDropAt: time.optional(),
    enforced: z.boolean(),
  })
  .openapi('Block')

export const BlockRequest = z
  .object({
    target: z
      .string()
      .min(1)
      .max(64)
      .openapi({ description: 'Address or CIDR range', example: '203.0.113.9' }),
    /** Absent: the configured time. 0: until somebody unblocks it. */
    seconds: z.number().int().min(0).max(31_536_000).optional(),
    reason: z.string().max(200).optional(),
    /** Judge and answer, but change nothing. */
    dryRun: z.boolean().optional(),
  })
  .strict()
  .openapi('BlockRequest')

export const AllowEntry = z
  .object({
    target: z.string(),
    source: z.enum(['loopback', 'own', 'gateway', 'dns', 'session', 'group', 'config', 'person']),
    note: z.string(),
  })
  .openapi('AllowEntry')

export const AllowRequest = z
  .object({
    target: z.string().min(1).max(64),
    note: z.string().max(200).optional(),
    dryRun: z.boolean().optional(),
  })
  .strict()
  .openapi('AllowRequest')

/** What is done with the rules. */
const RULE_ACTS = ['rules', 'trial', 'rollback', 'lockdown', 'pause'] as const
/** What is done with ports and senders where a block would hit strangers. */
const SHIELD_ACTS = ['close-port', 'open-port', 'shield', 'unshield'] as const

export const Decision = z
  .object({
    id: z.number().int(),
    at: time,
    kind: z.enum([
      'block',
      'limit',
      'unblock',
      'expire',
      'adopt',
      'spare',
      'refuse',
      'playbook',
      'allow',
      'disallow',
      'watch',
      'unwatch',
      'load',
      'unload',
      'repair',
      'setting',
      'close',
      'account',
      ...RULE_ACTS,
      'feed',
      ...SHIELD_ACTS,
    ]),
    target: z.string(),
    actor: z.string(),
    reason: z.string(),
    forSeconds: z.number().optional(),
    alertId: z.number().int().optional(),
    undoes: z.number().int().optional(),
  })
  .openapi('Decision')

const CountedName = z.object({ name: z.string(), connections: count })

/** What a block would cut off at this moment. Lists hold the most first, twenty at the most. */
export const BlastRadius = z
  .object({
    target: z.string(),
    connections: count.openapi({ description: 'Live connections behind it' }),
    hosts: count.openapi({ description: 'Different addresses of them' }),
    programs: z.array(CountedName),
    names: z
      .array(CountedName)
      .openapi({ description: 'What is called by this address: others may share it' }),
    users: z.array(CountedName),
    bytesPerSecond: z.number(),
    /** One sentence for people. */
    sentence: z.string(),
    sparedBecause: z.string().optional().openapi({ description: 'Why it cannot be blocked at all' }),
  })
  .openapi('BlastRadius')

/** What a block, unblock or allow did: the decision, in words, and how to take it back. */
export const Outcome = z
  .object({
    decision: Decision.optional().openapi({ description: 'Absent for a dry run' }),
    sentence: z.string(),
    radius: BlastRadius.optional().openapi({ description: 'Of a block: what it cuts off' }),
    /** Live connections of the target that were closed. */
    closedConnections: count,
    /** Where to send DELETE or POST to undo it. */
    undo: z.string().optional(),
  })
  .openapi('Outcome')

export const DoctorCheck = z
  .object({
    name: z.string(),
    state: z.enum(['ok', 'warning', 'failed']),
    finding: z.string(),
    remedy: z.string().optional(),
  })
  .openapi('DoctorCheck')

/** A page of a list; `next` is the cursor of the following page. */
export const pageOf = <Item extends z.ZodType>(item: Item, name: string) =>
  z
    .object({
      items: z.array(item),
      total: count,
      totalIsFloor: z.literal(true).optional().openapi({ description: 'There are at least `total`' }),
      next: z.string().optional(),
      searchedTo: time
        .optional()
        .openapi({ description: 'A search that stopped here for now: go on with `next`' }),
    })
    .openapi(`${name}Page`)

/**
 * What the event stream sends; the SSE event name is `kind`, its id counts up so that Last-Event-ID catches up.
 * `reset` says that the gap was too long: read everything again.
 */
export const LiveEvent = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('status'), status: Status }),
    z.object({
      kind: z.literal('connections'),
      /** New or changed, at most once a second each. */
      changed: z.array(Connection),
      /** Ids of the flows that are over and gone from the live list. */
      gone: z.array(z.number()),
    }),
    z.object({ kind: z.literal('alert'), alert: Alert }),
    z.object({ kind: z.literal('blocks'), blocks: z.array(Block) }),
    z.object({ kind: z.literal('decision'), decision: Decision }),
    z.object({ kind: z.literal('rules'), standing: RulesStanding }),
    z.object({ kind: z.literal('reset') }),
  ])
  .openapi('LiveEvent')

export type Problem = z.infer<typeof Problem>
export type Status = z.infer<typeof Status>
export type Connection = z.infer<typeof Connection>
export type Alert = z.infer<typeof Alert>
export type Block = z.infer<typeof Block>
export type BlockRequest = z.infer<typeof BlockRequest>
export type AllowEntry = z.infer<typeof AllowEntry>
export type AllowRequest = z.infer<typeof AllowRequest>
export type BlastRadius = z.infer<typeof BlastRadius>
export type Decision = z.infer<typeof Decision>
export type Outcome = z.infer<typeof Outcome>
export type DoctorCheck = z.infer<typeof DoctorCheck>
export type LiveEvent = z.infer<typeof LiveEvent>
export type Page<Item> = {
  items: Item[]
  total: number
  totalIsFloor?: true
  next?: string
  searchedTo?: number
}
