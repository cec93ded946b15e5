import { type Ip, isIpv6, parseTarget, type Target } from '#model/address.ts'
import { atLeast, type Finding } from '#model/finding.ts'
import type { Verdict } from '#model/verdict.ts'
import type { AllowList } from '../allow-list.ts'
import type { RespondSettings } from './settings.ts'

const BUDGET_WINDOW_MS = 60_000

/** Turns findings into verdicts. Time is the finding's own, so a capture gives the same verdicts each time. */
export interface Responder {
  judge(finding: Finding): Verdict
}

/**
 * Pure but for the budget of the last minute, which it remembers. A SYN scan never proves its source, and must be
 * stopped all the same: so a forger can make us block strangers. The budget bounds how many, the allow list whom.
 */
export function createResponder(parts: {
  readonly settings: RespondSettings
  readonly allowList: Pick<AllowList, 'spares'>
}): Responder {
  const { settings, allowList } = parts
  const { blockFrom, blockSeconds, blocksPerMinute } = settings
  /** Target → when it was last granted a block; oldest first, at most `blocksPerMinute`. */
  const granted = new Map<Target, number>()

  return {
    judge(finding) {
      if (blockFrom === 'never') return { action: 'record', because: 'respond.blockFrom = never' }
      if (!atLeast(finding.severity, blockFrom)) {
        const because = `respond.blockFrom = ${blockFrom}, and this is ${finding.severity}`
        return { action: 'record', because }
      }

      const nobody = whyNobody(finding)
      if (nobody !== undefined) return { action: 'record', because: nobody }

      const spared = allowList.spares(finding.subject)
      if (spared) {
        const because = `the allow list has ${spared.target} (${spared.source}): ${spared.note}`
        return { action: 'spare', because }
      }

      const target = targetOf(finding.subject, parts)
      if (!withinBudget(granted, target, { at: finding.at, blocksPerMinute })) {
        const because = `respond.blocksPerMinute = ${blocksPerMinute} is used up: the sources may be forged`
        return { action: 'record', because }
      }
      return {
        action: 'block',
        because: `respond.blockFrom = ${blockFrom}`,
        target,
        forSeconds: blockSeconds,
      }
    },
  }
}

/** Why a finding has nobody to block, however severe it is: its senders are forged, or it is over. */
function whyNobody({ blame, subject, victim, evidence }: Finding): string | undefined {
  if (blame === 'nobody') return 'the senders are forged or too many to name: a block would hit strangers'
  if (subject === victim) return 'it names the victim, who is not to be blocked'
  return evidence.endedAt === undefined ? undefined : 'it is over'
}

function targetOf(
  subject: Ip,
  { settings, allowList }: { settings: RespondSettings; allowList: Pick<AllowList, 'spares'> },
): Target {
  if (settings.ipv6PrefixBits === 128 || !isIpv6(subject)) return subject
  const network = parseTarget(`${subject}/${settings.ipv6PrefixBits}`)
  return network === undefined || allowList.spares(network) ? subject : network
}

/** A target that was granted a block within the window does not count twice. */
function withinBudget(
  granted: Map<Target, number>,
  target: Target,
  { at, blocksPerMinute }: { readonly at: number; readonly blocksPerMinute: number },
): boolean {
  for (const [old, grantedAt] of granted) {
    if (at - grantedAt < BUDGET_WINDOW_MS) break
    granted.delete(old)
  }
  if (granted.has(target)) return true
  if (granted.size >= blocksPerMinute) return false
  granted.set(target, at)
  return true
}
