import { z } from '@hono/zod-openapi'
import { Listing } from './intel.ts'
import { ProgramBytesReport } from './program-bytes.ts'
import { Reputation } from './reputation.ts'
import { Alert, Block, Connection } from './schemas.ts'

const time = z.number().openapi({ description: 'Milliseconds since the epoch' })
const count = z.number().int().nonnegative()

export const SummaryKind = z.enum(['program', 'host', 'country', 'port', 'user', 'container'])

const Counted = z.object({ bytesIn: z.number(), bytesOut: z.number() }).openapi('Counted', {
  description:
    'What the kernel counted of a program, captured or not: over the period, else since counting began. In sums only where nothing is searched for',
})

export const Summary = z
  .object({
    key: z.string().openapi({
      description:
        'Path of the program, address, country, 443/tcp …; empty: not known; *: all others together',
    }),
    /** Of live summaries: connections open now. */
    flows: z.number().int(),
    bytesIn: z.number(),
    bytesOut: z.number(),
    firstAt: time,
    lastAt: time,
    counted: Counted.optional(),
  })
  .openapi('Summary')

export const SummaryList = z
  .object({
    by: SummaryKind,
    items: z.array(Summary),
    total: count,
    /** Absent: what is open now. */
    since: time.optional(),
    until: time.optional(),
    /** How the kernel counts, and for how many seconds (of the period). */
    counted: ProgramBytesReport.pick({ source: true, otherSources: true, seconds: true })
      .extend({
        since: time
          .optional()
          .openapi({ description: 'Of a period: the whole minute or hour in which it begins' }),
      })
      .optional(),
    isComplete: z
      .boolean()
      .openapi({ description: 'False: there was no time to go back further than since' }),
  })
  .openapi('SummaryList')

export const FirstSeen = z
  .object({
    kind: z.enum(['program', 'program-host', 'program-country']),
    program: z.string(),
    peer: z.string().optional(),
    at: time,
    lastAt: time,
  })
  .openapi('FirstSeen')

const ProgramFile = z
  .object({
    path: z.string(),
    identity: z.string(),
    sha256: z.string().optional(),
    firstAt: time,
    lastAt: time,
  })
  .openapi('ProgramFile')

/** The file that runs: its digest, and the package that it came with. */
const ProgramIdentity = z
  .object({
    path: z.string(),
    sha256: z.string().optional(),
    /** Why there is no digest. */
    because: z.string().optional(),
    package: z
      .string()
      .optional()
      .openapi({ description: 'Name and version of the package that owns the file' }),
    packageFile: z
      .enum(['unchanged', 'changed', 'unknown'])
      .optional()
      .openapi({ description: 'Whether the file is as it came with its package' }),
    packageBecause: z.string().optional(),
  })
  .openapi('ProgramIdentity')

/** Everything about one program, or several that share a name. */
export const ProgramView = z
  .object({
    program: z.string(),
    paths: z.array(z.string()),
    pids: z.array(count),
    users: z.array(z.string()),
    firstSeenAt: time.optional(),
    /** Over all that the store keeps. */
    bytesIn: z.number(),
    bytesOut: z.number(),
    flows: z.number().int(),
    /** Of the same time, by the kernel; absent where it did not count. */
    counted: Counted.optional(),
    live: z.array(Connection),
    recent: z.array(Connection),
    firsts: z.array(FirstSeen),
    /** Newest first; more than one: the binary changed. */
    files: z.array(ProgramFile),
    /** Absent when nothing of it runs now. */
    identity: ProgramIdentity.optional(),
    blocks: z.array(Block),
    alerts: z.array(Alert),
    reputation: Reputation.optional(),
  })
  .openapi('ProgramView')

/** Everything about one host. */
export const HostView = z
  .object({
    address: z.string(),
    name: z.string().optional(),
    nameSource: Connection.shape.nameSource,
    country: z.string().optional(),
    asn: count.optional(),
    asName: z.string().optional(),
    firstSeenAt: time.optional(),
    lastSeenAt: time.optional(),
    bytesIn: z.number(),
    bytesOut: z.number(),
    flows: z.number().int(),
    programs: z.array(z.string()),
    live: z.array(Connection),
    recent: z.array(Connection),
    block: Block.optional(),
    alerts: z.array(Alert),
    reputation: Reputation.optional(),
    /** Threat lists that hold it. */
    listings: z.array(Listing).optional(),
    blockedBecause: z.string().optional(),
    allowedBecause: z.string().optional(),
  })
  .openapi('HostView')

const GraphNode = z
  .object({
    id: z.string(),
    kind: z.enum(['program', 'host', 'name']),
    label: z.string(),
    connections: count,
    bytes: z.number(),
  })
  .openapi('GraphNode')

const GraphEdge = z
  .object({
    from: z.string(),
    to: z.string(),
    kind: z.enum(['talks', 'is-called']),
    connections: count,
    bytesIn: z.number(),
    bytesOut: z.number(),
    firstAt: time,
    lastAt: time,
    reasons: z.array(z.string()),
  })
  .openapi('GraphEdge')

const GraphPattern = z
  .object({
    kind: z.enum(['shared-host', 'fan-out', 'relay', 'call-home']),
    /** Nodes that it is about, the one that acts first. */
    nodes: z.array(z.string()),
    because: z.string().openapi({ description: 'What was seen, in words' }),
    firstAt: time,
    lastAt: time,
    count,
  })
  .openapi('GraphPattern')

export const Graph = z
  .object({
    nodes: z.array(GraphNode),
    edges: z.array(GraphEdge),
    patterns: z.array(GraphPattern),
    /** So many connections it is made of; false below: there were more. */
    connections: count,
    isComplete: z.boolean(),
  })
  .openapi('Graph')

export const CloseProgramRequest = z
  .object({
    program: z
      .string()
      .min(1)
      .max(4096)
      .openapi({ description: 'Name, path or process id', example: '/usr/bin/curl' }),
    dryRun: z.boolean().optional(),
  })
  .strict()
  .openapi('CloseProgramRequest')

export type SummaryKind = z.infer<typeof SummaryKind>
export type Summary = z.infer<typeof Summary>
export type SummaryList = z.infer<typeof SummaryList>
export type FirstSeen = z.infer<typeof FirstSeen>
export type ProgramView = z.infer<typeof ProgramView>
export type HostView = z.infer<typeof HostView>
export type GraphNode = z.infer<typeof GraphNode>
export type GraphEdge = z.infer<typeof GraphEdge>
export type GraphPattern = z.infer<typeof GraphPattern>
export type Graph = z.infer<typeof Graph>
export type CloseProgramRequest = z.infer<typeof CloseProgramRequest>
export type ProgramIdentity = z.infer<typeof ProgramIdentity>
