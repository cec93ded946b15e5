import { type Ip, isIpv6, type Target } from '#model/address.ts'
import { atLeast, type Finding, type Severity } from '#model/finding.ts'
import type { Verdict } from '#model/verdict.ts'
import type { AllowList } from '../allow-list.ts'
import { type Budget, createBudget } from './budget.ts'
import { createNetworks, type Networks, networkAround } from './networks.ts'
import { overflowFinding } from './overflow.ts'
import { type RespondSettings, saidBy, type Threshold, thresholdsOf } from './settings.ts'

/** A limit costs a stranger less than a block, so more of them may be forged upon us. */
const LIMITS_PER_BLOCK = 10
/** One alert says that there are too many at once; it is told again after so long. */
const OVERFLOW_AGAIN_MS = 60_000

/** Turns findings into verdicts. Time is the finding's own, so a capture gives the same verdicts each time. */
export interface Responder {
  judge(finding: Finding): Verdict
  /** Whether the budget has room for a playbook's act against the subject. What is proven spends nothing. */
  grants(finding: Finding, action: 'limit' | 'block'): boolean
}

export interface ResponderParts {
  readonly settings: RespondSettings
  readonly allowList: Pick<AllowList, 'spares'>
  /** How often this address was blocked of late, in words too ("third time in 7 days"). Absent: nobody remembers. */
  readonly repeats?: (subject: Ip, at: number) => { readonly times: number; readonly words: string }
  /** Whether somebody logged in from there of late. Absent: nobody did. */
  readonly isGuest?: (target: Target, at: number) => boolean
  /** Whether people accepted enough of what this detector suggested. Absent: no. */
  readonly isTrusted?: (detector: string) => boolean
}

type Wish =
  | Extract<Verdict, { action: 'record' | 'alert' }>
  | { readonly action: 'limit' | 'block'; readonly because: string }

/**
 * Pure but for the budget of the last minute and the networks of the last hour, which it remembers. A SYN scan never
 * proves its source, and must be stopped all the same: so a forger can make us block strangers. The budget bounds how
 * many, the allow list whom.
 */
export function createResponder(parts: ResponderParts): Responder {
  const judgement = new Judgement(parts)
  return {
    judge: (finding) => judgement.judge(finding),
    grants: (finding, action) => judgement.grants(finding, action),
  }
}

class Judgement implements Responder {
  readonly #parts: ResponderParts
  readonly #settings: RespondSettings
  readonly #blocks: Budget
  readonly #limits: Budget
  readonly #networks: Networks
  #overflowToldAt: number | undefined

  constructor(parts: ResponderParts) {
    const { blocksPerMinute, ipv6WidenAfter } = parts.settings
    this.#parts = parts
    this.#settings = parts.settings
    this.#blocks = createBudget(blocksPerMinute)
    this.#limits = createBudget(blocksPerMinute * LIMITS_PER_BLOCK)
    this.#networks = createNetworks(ipv6WidenAfter)
  }

  judge(finding: Finding): Verdict {
    const mode = this.#settings.modes[finding.detector] ?? 'act'
    const because = `respond.modes.${finding.detector} = ${mode}`
    if (mode === 'off') return { action: 'ignore', because }
    const wish = wishOf(finding, this.#settings)
    if (wish.action === 'record' || wish.action === 'alert') return wish

    const kept = this.#whyNot(finding)
    if (kept) return kept
    if (mode === 'watch') return { action: 'alert', because }
    const isSuggested = mode === 'suggest' && !this.#parts.isTrusted?.(finding.detector)
    if (wish.action === 'block') return this.#block(finding, wish.because, isSuggested)
    return isSuggested ? { action: 'alert', because } : this.#limit(finding, wish.because)
  }

  grants(finding: Finding, action: 'limit' | 'block'): boolean {
    const { at, subject, spoofable } = finding
    if (this.#isBorrowed(finding, subject)) return false
    return !spoofable || (action === 'block' ? this.#blocks : this.#limits).grants(subject, at)
  }

  #whyNot(finding: Finding): Verdict | undefined {
    const nobody = whyNobody(finding)
    if (nobody !== undefined) return { action: 'alert', because: nobody }
    const spared = this.#parts.allowList.spares(finding.subject)
    if (!spared)
      return this.#isBorrowed(finding, finding.subject)
        ? { action: 'alert', because: this.#guestWords() }
        : undefined
    return {
      action: 'spare',
      because: `the allow list has ${spared.target} (${spared.source}): ${spared.note}`,
    }
  }

  /** Whether somebody may have forged this to keep out who logged in from there. */
  #isBorrowed({ at, spoofable }: Finding, target: Target): boolean {
    return spoofable && this.#parts.isGuest?.(target, at) === true
  }

  #guestWords = (): string =>
    `respond.guestDays = ${this.#settings.guestDays}: somebody logged in from there, and this may be forged`

  #block(finding: Finding, because: string, isSuggested: boolean): Verdict {
    const { at, subject, spoofable } = finding
    const due = this.#networks
      .around(subject, at, !spoofable)
      .find((network) => !this.#parts.allowList.spares(network) && !this.#isBorrowed(finding, network))
    const whole = targetOf(subject, this.#parts)
    const target = due ?? (this.#isBorrowed(finding, whole) ? subject : whole)
    if (!isSuggested && spoofable && !this.#blocks.grants(target, at)) return this.#overflow(finding)
    const repeats = this.#parts.repeats?.(subject, at)
    return {
      action: isSuggested ? 'suggest' : 'block',
      because: due ? `${because}; respond.ipv6WidenAfter = ${this.#settings.ipv6WidenAfter}` : because,
      target,
      forSeconds: lengthOf(repeats?.times ?? 0, this.#settings),
      ...(repeats && repeats.times > 0 && { repeat: repeats.words }),
    }
  }

  #limit(finding: Finding, because: string): Verdict {
    const { at, subject, spoofable } = finding
    if (spoofable && !this.#limits.grants(subject, at)) return this.#overflow(finding)
    return { action: 'limit', because, target: subject, forSeconds: this.#settings.blockSeconds }
  }

  /** Beyond the budget: who is limited instead, and the one alert of this minute. */
  #overflow(finding: Finding): Verdict {
    const { at, subject } = finding
    const { blocksPerMinute, beyondBudget, blockSeconds } = this.#settings
    const because = `respond.blocksPerMinute = ${blocksPerMinute} is used up: the sources may be forged`
    const isFirst = this.#overflowToldAt === undefined || at - this.#overflowToldAt >= OVERFLOW_AGAIN_MS
    if (isFirst) this.#overflowToldAt = at
    const told = isFirst ? { overflow: overflowFinding(finding, this.#settings) } : {}
    if (beyondBudget === 'record' || !this.#limits.grants(subject, at))
      return { action: 'alert', because, ...told }
    return { action: 'limit', because, target: subject, forSeconds: blockSeconds, ...told }
  }
}

/** What severity and confidence alone ask for. */
function wishOf({ severity, confidence }: Finding, settings: RespondSettings): Wish {
  const { alertFrom, limitFrom, blockFrom, minConfidence } = thresholdsOf(settings)
  const isSevere = reaches(severity, blockFrom)
  if (isSevere && confidence >= minConfidence)
    return { action: 'block', because: saidBy(settings, 'blockFrom') }
  if (reaches(severity, limitFrom)) return { action: 'limit', because: saidBy(settings, 'limitFrom') }
  if (!reaches(severity, alertFrom)) {
    return { action: 'record', because: `${saidBy(settings, 'alertFrom')}, and this is ${severity}` }
  }
  if (isSevere)
    return { action: 'alert', because: `${saidBy(settings, 'minConfidence')}, and this is ${confidence}` }
  const said = saidBy(settings, 'blockFrom')
  return { action: 'alert', because: blockFrom === 'never' ? said : `${said}, and this is ${severity}` }
}

const reaches = (severity: Severity, threshold: Threshold): boolean =>
  threshold !== 'never' && atLeast(severity, threshold)

/** Why a finding has nobody to block, however severe it is: its senders are forged, or it is over. */
export function whyNobody({ blame, subject, victim, evidence }: Finding): string | undefined {
  if (blame === 'nobody') return 'the senders are forged or too many to name: a block would hit strangers'
  if (subject === victim) return 'it names the victim, who is not to be blocked'
  return evidence.endedAt === undefined ? undefined : 'it is over'
}

function targetOf(
  subject: Ip,
  { settings, allowList }: Pick<ResponderParts, 'settings' | 'allowList'>,
): Target {
  if (settings.ipv6PrefixBits === 128 || !isIpv6(subject)) return subject
  const network = networkAround(subject, settings.ipv6PrefixBits)
  return allowList.spares(network) ? subject : network
}

/** `times`: how often before. */
const lengthOf = (times: number, { blockSeconds, escalation }: RespondSettings): number =>
  times === 0 ? blockSeconds : (escalation[Math.min(times, escalation.length) - 1] ?? blockSeconds)
