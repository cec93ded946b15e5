import { z } from '@hono/zod-openapi'
import { RULES_TEXT_LIMIT } from './http.ts'

const time = z.number().openapi({ description: 'Milliseconds since the epoch' })
const count = z.number().int().nonnegative()
const direction = z.enum(['inbound', 'outbound', 'forward'])
const policy = z.enum(['allow', 'deny', 'reject'])

const RuleProblem = z
  .object({
    severity: z.enum(['error', 'warning']),
    origin: z.string(),
    line: count.optional(),
    column: count.optional(),
    where: z.string().optional().openapi({ example: 'rules[2].port' }),
    message: z.string(),
    hint: z.string(),
  })
  .openapi('RuleProblem')

export const ShownRule = z
  .object({
    /** From 1, in the order of the file; 0 for those that Gatehouse brings along. */
    number: count,
    id: z.string(),
    enabled: z.boolean(),
    action: z.enum(['allow', 'deny', 'reject', 'limit', 'audit']),
    text: z.string().openapi({ description: 'The rule as one line for people' }),
    comment: z.string().optional(),
    tags: z.array(z.string()).readonly(),
    expiresAt: time.optional(),
    packets: count.openapi({ description: 'Since the rules were put in place' }),
    bytes: count,
    /** What its limit turned away. */
    beyondPackets: count.optional(),
  })
  .openapi('Rule')

/** Rules that are in force, but go back to those before unless somebody confirms them in time. */
export const PendingRules = z
  .object({
    id: z.string(),
    actor: z.string(),
    since: time,
    until: time,
    text: z.string(),
    /** These end with their time: nobody can make them stay. */
    hold: z.enum(['pause', 'lockdown']).optional(),
  })
  .openapi('PendingRules')

export const RulesState = z
  .object({
    file: z.string(),
    text: z.string().openapi({ description: 'The rules file that is in force' }),
    defaults: z.object({ inbound: policy, outbound: policy, forward: policy }),
    rules: z.array(ShownRule),
    /** Packets that no rule decided, by direction. */
    undecided: z.object({ inbound: count, outbound: count, forward: count }),
    problems: z.array(RuleProblem).readonly(),
    pending: PendingRules.optional(),
    draft: z.string().optional().openapi({ description: 'The text that waits to be applied' }),
  })
  .openapi('RulesState')

const RuleRemark = z
  .object({
    number: count,
    id: z.string(),
    kind: z.enum(['duplicate', 'shadowed', 'unreachable', 'expired', 'unused']),
    text: z.string(),
    by: count.optional(),
  })
  .openapi('RuleRemark')

/** Something that this machine lives on, and that the draft would cut. */
const RuleCut = z.object({ what: z.string(), because: z.string() }).openapi('RuleCut')

export const RulesCheck = z
  .object({
    /** False: it cannot be applied. */
    isValid: z.boolean(),
    problems: z.array(RuleProblem).readonly(),
    remarks: z.array(RuleRemark).readonly(),
    cuts: z.array(RuleCut).readonly(),
    refusedByKernel: z.string().optional(),
  })
  .openapi('RulesCheck')

export const RulesText = z
  .object({ text: z.string().max(RULES_TEXT_LIMIT) })
  .strict()
  .openapi('RulesText')

const apply = {
  /** Unless confirmed within so many seconds the rules before return. Absent: it is for good at once. */
  confirmSeconds: z.number().int().min(1).max(3600).optional(),
  /** Also when it cuts what this machine lives on. */
  force: z.boolean().optional(),
  dryRun: z.boolean().optional(),
  reason: z.string().max(200).optional().openapi({ description: 'Kept with the version and the decision' }),
}

/** Without `text` the draft is applied, or the file as it is now. */
export const RulesApply = z
  .object({ text: z.string().max(RULES_TEXT_LIMIT).optional(), ...apply })
  .strict()
  .openapi('RulesApply')

export const RuleAdd = z
  .object({
    rule: z.string().min(1).max(1000).openapi({ example: 'allow 22/tcp from 192.0.2.0/24' }),
    /** Its number from then on; absent: the last. */
    at: z.number().int().min(1).max(20_000).optional(),
    ...apply,
  })
  .strict()
  .openapi('RuleAdd')

export const RuleRemove = z
  .object({ rule: z.string().min(1).max(48).openapi({ description: 'Id or number' }), ...apply })
  .strict()
  .openapi('RuleRemove')

/** `pause`: everything passes but what is blocked. `lockdown`: only loopback and those who are logged in. */
export const RulesHold = z
  .object({ kind: z.enum(['pause', 'lockdown']), seconds: z.number().int().min(1).max(86_400) })
  .strict()
  .openapi('RulesHold')

export const RulesOutcome = z
  .object({
    sentence: z.string(),
    pending: PendingRules.optional(),
    check: RulesCheck,
    /** Of what was done; absent where nothing changed. */
    decisionId: z.number().int().optional(),
    version: z.number().int().optional().openapi({ description: 'Of rules that are in force for good' }),
  })
  .openapi('RulesOutcome')

export const ExplainRequest = z
  .object({
    direction: direction.default('outbound'),
    protocol: z.union([z.enum(['tcp', 'udp', 'icmp']), z.number().int().min(0).max(255)]).default('tcp'),
    source: z.string().max(64).optional(),
    target: z.string().max(64).optional(),
    sourcePort: z.number().int().min(0).max(65_535).optional(),
    targetPort: z.number().int().min(0).max(65_535).optional(),
    icmpType: z.number().int().min(0).max(255).optional(),
    interface: z.string().max(15).optional(),
    state: z.enum(['new', 'established', 'related', 'invalid', 'untracked']).default('new'),
    uid: z.number().int().min(0).optional(),
    program: z.string().startsWith('/').max(4096).optional().openapi({
      description:
        'Path of the program at our end: who sends what is outbound, who listens to what is inbound',
    }),
    unit: z.string().max(256).optional().openapi({ description: 'Unit of systemd that it runs in' }),
    container: z.string().max(128).optional().openapi({ description: 'Name or id of its container' }),
    owner: z
      .enum(['ebpf', 'netlink', 'scan', 'guess', 'kernel'])
      .optional()
      .openapi({ description: 'How the program is known; absent: for sure, as the kernel knows it' }),
    confidence: z.number().min(0).max(1).optional().openapi({ description: 'How sure that is' }),
  })
  .strict()
  .openapi('ExplainRequest')

export const RuleExplanation = z
  .object({
    sentence: z.string(),
    action: z.enum(['allow', 'deny', 'reject', 'limit']),
    /** Blocks come before all rules. */
    block: z.string().optional(),
    /** The entry of the allow list that keeps the peer from being blocked. */
    spared: z.string().optional(),
    steps: z.array(
      z.object({
        number: count,
        id: z.string(),
        rule: z.string(),
        outcome: z.enum(['decides', 'records', 'passes']),
        conditions: z.array(z.object({ text: z.string(), holds: z.boolean() })).readonly(),
      }),
    ),
    flip: z.string(),
  })
  .openapi('RuleExplanation')

/** Without `text` the draft is tried, or the file as it is now. */
export const SimulateRequest = z
  .object({
    text: z.string().max(RULES_TEXT_LIMIT).optional(),
    since: time.optional().openapi({ description: 'Absent: the last 24 hours' }),
    until: time.optional().openapi({ description: 'Absent: now' }),
  })
  .strict()
  .openapi('SimulateRequest')

/** What a draft would have decided otherwise about recorded flows. */
export const RuleSimulation = z
  .object({
    since: time,
    flows: count,
    changed: count,
    isPartial: z.boolean().openapi({ description: 'There are more flows than were looked at' }),
    differences: z.array(
      z.object({
        program: z.string(),
        host: z.string(),
        port: count,
        protocol: count,
        direction,
        from: z.string(),
        to: z.string(),
        because: z.string(),
        flows: count,
        bytes: count,
      }),
    ),
  })
  .openapi('RuleSimulation')

export type SimulateRequest = z.infer<typeof SimulateRequest>
export type RuleSimulation = z.infer<typeof RuleSimulation>
export type RulesState = z.infer<typeof RulesState>
export type ShownRule = z.infer<typeof ShownRule>
export type PendingRules = z.infer<typeof PendingRules>
export type RulesCheck = z.infer<typeof RulesCheck>
export type RulesApply = z.infer<typeof RulesApply>
export type RuleAdd = z.infer<typeof RuleAdd>
export type RuleRemove = z.infer<typeof RuleRemove>
export type RulesHold = z.infer<typeof RulesHold>
export type RulesOutcome = z.infer<typeof RulesOutcome>
export type ExplainRequest = z.infer<typeof ExplainRequest>
export type RuleExplanation = z.infer<typeof RuleExplanation>
