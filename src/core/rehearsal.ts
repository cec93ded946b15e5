import type { EnforcedBlock, Enforcer } from '#enforce/enforcer.ts'
import { ip } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { Finding } from '#model/finding.ts'
import { createResponder } from '#policy/respond/respond.ts'
import { respondSettings } from '#policy/respond/settings.ts'
import { NOTHING_REMEMBERED } from '#store/store.ts'
import { type AlertBook, createAlertBook } from './alert-book.ts'
import { Gate } from './gate.ts'
import type { PlaybookPlayer } from './playbooks.ts'

/** For documents only (RFC 5737, RFC 3849): nobody is shut out by a rehearsal. */
const EXTRAS = ['192.0.2.1', '2001:db8::1'].map(ip)
const ROUNDS = 300
const LONGEST_MS = 150
const BLOCK_SECONDS = 1

/** What the trial is given in place of the real parts: it remembers nothing, and the kernel alone is real. */
export interface Trial {
  readonly alerts: AlertBook
  readonly gate: Gate
  readonly store: { recordFlows(): void; recordAlert(): Promise<void> }
  readonly judge: (finding: Finding) => ReturnType<ReturnType<typeof createResponder>['judge']>
  readonly playbooks: PlaybookPlayer
  readonly closeSockets: () => number
  readonly reacted: () => void
  readonly told: () => void
}

export interface RehearsalParts {
  readonly enforcer: Enforcer
  readonly spares: (target: EnforcedBlock['target']) => AllowEntry | undefined
  readonly isBlocked: (target: EnforcedBlock['target']) => boolean
  readonly now: () => number
  /** The pipeline around the trial's parts. */
  readonly stage: (trial: Trial) => { findingReported(finding: Finding): void }
}

/**
 * Leads made-up findings through judgement and gate into the kernel and out again. V8 compiles what ran often: without
 * this the first attacker would be shut out some milliseconds later than every other. Takes at most 0.15 s; answers
 * how many blocks were made. A block that a crash leaves behind ends after a second.
 */
export function rehearseBlocks(parts: RehearsalParts): number {
  const { enforcer, now } = parts
  const extras = EXTRAS.filter((extra) => !parts.spares(extra) && !parts.isBlocked(extra))
  if (enforcer.health.state !== 'ok' || extras.length === 0) return 0
  const { trial, made } = createTrial(parts)
  const { findingReported } = parts.stage(trial)
  const startedAt = performance.now()
  for (let round = 0; round < ROUNDS && performance.now() - startedAt < LONGEST_MS; round++) {
    const extra = extras[round % extras.length] as (typeof EXTRAS)[number]
    findingReported(madeUp(extra, round, now()))
    trial.gate.unblock(extra, { actor: 'rehearsal', reason: 'over' })
  }
  for (const extra of extras) enforcer.unblock(extra)
  return made()
}

function createTrial({ enforcer, spares, now }: RehearsalParts): { trial: Trial; made: () => number } {
  let made = 0
  const settled = Promise.resolve()
  const gate = new Gate({
    enforcer,
    store: {
      recordDecision: () => settled,
      remembered: NOTHING_REMEMBERED,
    },
    spares,
    now,
    changed() {},
  })
  const settings = respondSettings.parse({ blockSeconds: BLOCK_SECONDS, blocksPerMinute: ROUNDS })
  const trial: Trial = {
    alerts: createAlertBook([], 0),
    gate,
    store: { recordFlows() {}, recordAlert: () => settled },
    judge: createResponder({ settings, allowList: { spares } }).judge,
    playbooks: { play: () => [] },
    closeSockets: () => 0,
    reacted: () => void made++,
    told() {},
  }
  return { trial, made: () => made }
}

const madeUp = (subject: (typeof EXTRAS)[number], round: number, at: number): Finding => ({
  detector: 'port-scan',
  kind: 'syn',
  severity: 'high',
  confidence: 1,
  at,
  subject,
  summary: `rehearsal ${round}`,
  key: `rehearsal ${round % 10} ${subject}`,
  technique: 'T1046',
  because: 'rehearsal',
  evidence: { firstAt: at, lastAt: at, count: 6, ratePerSecond: 1, ports: [1, 2, 3], samples: [] },
  spoofable: true,
})
