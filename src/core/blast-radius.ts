import type { BlastRadius } from '#contract/schemas.ts'
import { contains, isRange, type Target } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { LiveConnection, LiveConnections } from './live-connections.ts'

/** Lists in an answer are for people: beyond so many only the count goes on. */
const MOST_LISTED = 20
/** In a sentence fewer do. */
const MOST_SAID = 3

/** What a block of `target` would cut off at this moment. */
export function blastRadiusOf(
  target: Target,
  {
    live,
    spares,
  }: {
    readonly live: Pick<LiveConnections, 'all' | 'byPeer'>
    readonly spares: (target: Target) => AllowEntry | undefined
  },
): BlastRadius {
  const behind = isRange(target)
    ? live.all().filter(({ peer }) => contains(target, peer))
    : live.byPeer(target)
  const programs = counted(behind.map(({ owner }) => owner?.name ?? ''))
  const radius = {
    target,
    connections: behind.length,
    hosts: new Set(behind.map(({ peer }) => peer)).size,
    programs: listed(programs),
    names: listed(counted(behind.map(({ name }) => name ?? ''))),
    users: listed(counted(behind.map(userOf))),
    bytesPerSecond: Math.round(behind.reduce((sum, each) => sum + each.rateForward + each.rateBackward, 0)),
  }
  const entry = spares(target)
  return { ...radius, sentence: sentenceOf(radius), ...(entry && { sparedBecause: entry.note }) }
}

const userOf = ({ owner }: LiveConnection): string =>
  owner === undefined ? '' : (owner.user ?? String(owner.uid))

type Counted = readonly (readonly [name: string, connections: number])[]

/** Most first; what is not known is left out. */
function counted(names: readonly string[]): Counted {
  const counts = new Map<string, number>()
  for (const name of names) if (name !== '') counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])
}

const listed = (counts: Counted) =>
  counts.slice(0, MOST_LISTED).map(([name, connections]) => ({ name, connections }))

function sentenceOf({ connections, programs, names, users }: Omit<BlastRadius, 'sentence'>): string {
  if (connections === 0) return 'Nothing talks to it now.'
  const flows = connections === 1 ? '1 live connection' : `${connections} live connections`
  const of = programs.length === 0 ? '' : ` of ${said(programs)}`
  const to = names.length === 0 ? '' : ` with ${said(names)}`
  const by = users.length === 0 ? '' : ` (user ${said(users)})`
  return `It cuts off ${flows}${of}${to}${by}.`
}

function said(all: readonly { readonly name: string }[]): string {
  const first = all.slice(0, MOST_SAID).map(({ name }) => name)
  return all.length > MOST_SAID ? `${first.join(', ')} and ${all.length - MOST_SAID} more` : first.join(', ')
}
