import type { AbuseReport, EgressEntry, Feed, FeedChange, FeedOutcome, Lookup } from '#contract/intel.ts'
import type { Reputation } from '#contract/reputation.ts'
import type { Page } from '#contract/schemas.ts'

/** What the API asks about threat lists. Refusals are thrown as `Refused`. */
export interface IntelPort {
  feeds(): Feed[]
  feed(id: string): Feed
  changeFeed(id: string, change: FeedChange, actor: { readonly name: string }): Promise<FeedOutcome>
  updateFeed(id: string): Promise<FeedOutcome>
  /** Takes the version that waits for a person, or throws it away. */
  decideFeed(id: string, isAccepted: boolean, actor?: { readonly name: string }): Promise<FeedOutcome>
  lookup(value: string): Lookup
  /** The same, after the services that are on were asked: that leaves the machine. */
  ask(value: string): Promise<Lookup>
  /** Reports an address to AbuseIPDB: that leaves the machine, and everybody reads it there. */
  reportAbuse(report: AbuseReport, actor: { readonly name: string }): Promise<{ readonly sentence: string }>
  /** How good or bad something is known to be. Asks nobody outside. */
  reputation(value: string): Promise<Reputation>
  egress(request: { readonly limit: number; readonly cursor?: string }): Promise<Page<EgressEntry>>
}
