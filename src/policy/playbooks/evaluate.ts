import { RecentMap } from '#lib/recent-map.ts'
import { contains, parseTarget, type Target } from '#model/address.ts'
import { atLeast, type Finding } from '#model/finding.ts'
import { type Budget, createBudget } from '../respond/budget.ts'
import type { Playbook } from './settings.ts'

/** How many sources each playbook remembers. */
const MOST_SOURCES = 4_096
const MINUTE_MS = 60_000
/** Senders of findings that prove nobody may be made up, as many as somebody likes. */
const FORGED_A_MINUTE = 60

/** `held`: not played, because it was too often in the last minute for senders that may be forged. */
export interface Due {
  readonly playbook: Playbook
  readonly state: 'played' | 'held'
}

/** Which playbooks a finding sets off. Time is the finding's own. */
export interface Playbooks {
  due(finding: Finding): readonly Due[]
}

interface Watched {
  readonly playbook: Playbook
  readonly victim: Target | undefined
  /** Source → when its findings came, at most `times` of them. */
  readonly seenAt: RecentMap<string, readonly number[]>
  readonly playedAt: RecentMap<string, number>
  readonly forged: Budget
}

/** Pure but for what it remembers of sources: when they came, and when a playbook was played. Bounded. */
export function createPlaybooks(playbooks: readonly Playbook[]): Playbooks {
  const watched = playbooks.map(
    (playbook): Watched => ({
      playbook,
      victim: playbook.when.victim === undefined ? undefined : parseTarget(playbook.when.victim),
      seenAt: new RecentMap(MOST_SOURCES),
      playedAt: new RecentMap(MOST_SOURCES),
      forged: createBudget(FORGED_A_MINUTE),
    }),
  )
  return {
    due: (finding) =>
      watched
        .filter((each) => isMeant(each, finding) && isOften(each, finding) && isCool(each, finding))
        .map(({ playbook, forged }) => {
          const mayPlay = !finding.spoofable || forged.grants(finding.subject, finding.at)
          return { playbook, state: mayPlay ? 'played' : 'held' }
        }),
  }
}

function isMeant({ playbook: { when }, victim }: Watched, finding: Finding): boolean {
  if (!isOneOf(finding.detector, when.detector) || !isOneOf(finding.kind, when.kind)) return false
  if (when.severity !== undefined && !atLeast(finding.severity, when.severity)) return false
  return victim === undefined || (finding.victim !== undefined && contains(victim, finding.victim))
}

const isOneOf = (word: string, wanted: readonly string[] | undefined): boolean =>
  wanted === undefined || wanted.includes(word)

function isOften({ playbook: { when }, seenAt }: Watched, { subject, at }: Finding): boolean {
  const withinMs = when.withinMinutes * MINUTE_MS
  const recent = [...(seenAt.get(subject) ?? []), at].filter((each) => at - each < withinMs)
  seenAt.set(subject, recent.slice(-when.times))
  return recent.length >= when.times
}

function isCool({ playbook, playedAt }: Watched, { subject, at }: Finding): boolean {
  const last = playedAt.get(subject)
  if (last !== undefined && at - last < playbook.coolDownMinutes * MINUTE_MS) return false
  playedAt.set(subject, at)
  return true
}
