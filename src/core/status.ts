import type { Status } from '#contract/schemas.ts'
import type { PartHealth } from '#model/health.ts'
import type { LiveConnection } from './live-connections.ts'

/** What the status sentence is made of. */
export interface StatusFacts extends Omit<Status, 'state' | 'sentence' | 'parts'> {
  readonly parts: readonly PartHealth[]
  readonly connections: readonly LiveConnection[]
  readonly openAlerts: number
}

/** Without `capture` or `enforcement` Gatehouse only looks on: that is another state than a fault. */
export function statusOf(facts: StatusFacts): Status {
  const { parts, connections, openAlerts, ...rest } = facts
  return { ...rest, parts: [...parts], state: stateOf(parts), sentence: sentenceOf(facts) }
}

function stateOf(parts: readonly PartHealth[]): Status['state'] {
  if (parts.some((part) => part.state === 'degraded')) return 'degraded'
  return parts.some((part) => part.part === 'enforcement' && part.state === 'off') ? 'watching' : 'protecting'
}

function sentenceOf({ parts, connections, openAlerts, counts }: StatusFacts): string {
  const trouble = parts.find((part) => part.state !== 'ok')
  const programs = new Set(connections.flatMap(({ owner }) => (owner ? [owner.path] : []))).size
  const hosts = new Set(connections.map(({ peer }) => peer)).size
  const talk =
    hosts === 0
      ? 'Nothing is talking.'
      : `${many(programs, 'program is', 'programs are')} talking to ${many(hosts, 'host', 'hosts')}.`
  const out = counts.blocks === 0 ? '' : ` ${many(counts.blocks, 'address is', 'addresses are')} shut out.`
  const needs = [
    ...(openAlerts === 0 ? [] : [`${many(openAlerts, 'alert needs', 'alerts need')} you.`]),
    ...(trouble ? [`Not all is well: ${trouble.reason}`] : []),
  ]
  return `${talk}${out} ${needs.length === 0 ? 'Nothing needs you.' : needs.join(' ')}`
}

const many = (count: number, one: string, more: string): string => `${count} ${count === 1 ? one : more}`
