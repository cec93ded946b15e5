import type { DoctorCheck } from '#contract/schemas.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { CountedBlock } from '#model/block.ts'
import type { PartHealth } from '#model/health.ts'
import type { Reactions } from './reactions.ts'

export interface DoctorFacts {
  readonly parts: readonly PartHealth[]
  readonly interfaces: readonly {
    readonly name: string
    readonly received: number
    readonly dropped: number
  }[]
  readonly allow: readonly AllowEntry[]
  readonly blocks: readonly CountedBlock[]
  readonly reactions: Pick<Reactions, 'percentile' | 'count'>
  readonly eventLoopDelayMs: number
  readonly memoryMegabytes: number
}

const DROPPED_SHARE = 0.001
const SLOW_LOOP_MS = 50
const SLOW_REACTION_MS = 100
const LARGE_MEGABYTES = 600

/** What a careful admin would look at, each with what to do about it. */
export const examine = (facts: DoctorFacts): DoctorCheck[] => [
  ...facts.parts.map(partCheck),
  ...facts.interfaces.map(dropCheck),
  ownAddressCheck(facts.allow),
  sessionCheck(facts.allow),
  bitingCheck(facts.blocks),
  reactionCheck(facts.reactions),
  loadCheck(facts),
]

function partCheck(part: PartHealth): DoctorCheck {
  if (part.state === 'ok') return { name: part.part, state: 'ok', finding: part.note }
  return {
    name: part.part,
    state: part.state === 'off' ? 'warning' : 'failed',
    finding: part.reason,
    remedy: part.remedy,
  }
}

function dropCheck({ name, received, dropped }: DoctorFacts['interfaces'][number]): DoctorCheck {
  const share = received === 0 ? 0 : dropped / received
  const finding = `${dropped} of ${received} packets were lost on ${name}`
  if (share <= DROPPED_SHARE) return { name: `capture on ${name}`, state: 'ok', finding }
  return {
    name: `capture on ${name}`,
    state: 'warning',
    finding,
    remedy:
      'The machine was too busy to look at every packet. Watch fewer interfaces with --interface, or give it more CPU.',
  }
}

function ownAddressCheck(allow: readonly AllowEntry[]): DoctorCheck {
  const own = allow.filter((entry) => entry.source === 'own').length
  if (own > 0)
    return {
      name: 'own addresses',
      state: 'ok',
      finding: `${own} addresses of this machine can never be blocked`,
    }
  return {
    name: 'own addresses',
    state: 'warning',
    finding: 'No address of this machine was found besides loopback',
    remedy: 'Check that an interface is up: ip address',
  }
}

function sessionCheck(allow: readonly AllowEntry[]): DoctorCheck {
  const sessions = allow.filter((entry) => entry.source === 'session')
  const finding =
    sessions.length === 0
      ? 'Nobody is logged in from another machine'
      : `Protected: ${sessions.map((entry) => `${entry.target} (${entry.note})`).join(', ')}`
  return { name: 'login sessions', state: 'ok', finding }
}

function bitingCheck(blocks: readonly CountedBlock[]): DoctorCheck {
  const loose = blocks.filter((block) => !block.enforced)
  if (loose.length === 0)
    return { name: 'blocks', state: 'ok', finding: `The kernel holds all ${blocks.length} blocks` }
  return {
    name: 'blocks',
    state: 'failed',
    finding: `${loose.length} of ${blocks.length} blocks are not in the kernel`,
    remedy:
      'They are put back as soon as the kernel takes them; see "enforcement" above for what is in the way.',
  }
}

function reactionCheck({ percentile, count }: DoctorFacts['reactions']): DoctorCheck {
  const [median, slow] = [percentile(0.5), percentile(0.99)]
  if (median === undefined || slow === undefined) {
    return { name: 'reaction', state: 'ok', finding: 'No attacker had to be shut out yet' }
  }
  const finding =
    `${median.toFixed(2)} ms from packet to kernel at the median, ${slow.toFixed(2)} ms at the 99th percentile ` +
    `(of ${count} blocks)`
  if (slow < SLOW_REACTION_MS) return { name: 'reaction', state: 'ok', finding }
  return { name: 'reaction', state: 'warning', finding, remedy: 'The machine was short of CPU; see "load".' }
}

function loadCheck({ eventLoopDelayMs, memoryMegabytes }: DoctorFacts): DoctorCheck {
  const finding = `${memoryMegabytes} MB of memory; reactions wait ${eventLoopDelayMs.toFixed(1)} ms at the 99th percentile`
  if (eventLoopDelayMs < SLOW_LOOP_MS && memoryMegabytes < LARGE_MEGABYTES)
    return { name: 'load', state: 'ok', finding }
  return {
    name: 'load',
    state: 'warning',
    finding,
    remedy:
      'The machine is short of CPU or memory, so a block may come late. Stop other work, or lower the capture limits in the config.',
  }
}
