import type { Connection, Outcome, Page } from '#contract/schemas.ts'
import type { Search } from '#contract/search/search.ts'
import type { FirstSeen, Graph, HostView, ProgramView, SummaryKind, SummaryList } from '#contract/views.ts'
import type { Actor, PageRequest } from './actor.ts'

export interface SummaryQuestion {
  readonly by: SummaryKind
  /** Milliseconds since the epoch. Without both: what is open now. */
  readonly since?: number
  readonly until?: number
  readonly search?: Search
  readonly limit: number
}

/** Looks at connections, of now and of the past. Refusals are thrown as `Refused`. */
export interface Views {
  /** Milliseconds since the epoch: what searches count back from. */
  now(): number
  connections(search: Search): Connection[]
  flows(request: PageRequest & { readonly search: Search }): Promise<Page<Connection>>
  summaries(question: SummaryQuestion): Promise<SummaryList>
  firstSeen(request: {
    readonly program?: string
    readonly since?: number
    readonly limit: number
  }): Promise<readonly FirstSeen[]>
  /** By name, path or process id. */
  program(text: string): Promise<ProgramView>
  host(address: string): Promise<HostView>
  /** Of now, and with `since` also of the past. */
  graph(request: { readonly since?: number; readonly search?: Search }): Promise<Graph>
}

/** Closes connections that are open now; those to come are not touched. */
export interface Closes {
  /** One, by its number; a login session too. */
  closeConnection(id: number, actor: Actor): Promise<Outcome>
  /** By name, path or process id. */
  closeProgram(program: string, dryRun: boolean, actor: Actor): Promise<Outcome>
  /** An address or a range. */
  closeHost(target: string, dryRun: boolean, actor: Actor): Promise<Outcome>
}
