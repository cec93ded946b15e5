import type { Usual } from '#model/baseline.ts'
import type { NewSighting, SeenFile } from '#model/first-seen.ts'
import type { Connection } from '#model/flow.ts'
import type { PartHealth } from '#model/health.ts'
import type { CountedMinute } from '#model/program-bytes.ts'
import type { FlowRequest } from './flow-list.ts'
import type { Entry } from './journal.ts'
import type { StoreSettings } from './settings.ts'
import type {
  CountedRequest,
  FirstSeenRequest,
  Remembered,
  SearchRequest,
  SliceRequest,
  SummaryRequest,
  TimelineRequest,
} from './store.ts'

/** What the thread needs to begin. */
export interface WorkerStart {
  readonly folder: string
  readonly settings: StoreSettings
  readonly now: number
}

export type Query =
  | { readonly kind: 'flows'; readonly request: FlowRequest }
  | { readonly kind: 'search'; readonly request: SearchRequest }
  | { readonly kind: 'summaries'; readonly request: SummaryRequest }
  | { readonly kind: 'timeline'; readonly request: TimelineRequest }
  | { readonly kind: 'firstSeen'; readonly request: FirstSeenRequest }
  | { readonly kind: 'programFiles'; readonly path: string }
  | { readonly kind: 'alerts'; readonly request: SliceRequest }
  | { readonly kind: 'decisions'; readonly request: SliceRequest }
  | { readonly kind: 'egress'; readonly request: SliceRequest }
  | { readonly kind: 'decision'; readonly decisionId: number }
  | { readonly kind: 'usual' }
  | { readonly kind: 'openings'; readonly since: number }
  | { readonly kind: 'recordCounted'; readonly minutes: readonly CountedMinute[]; readonly now: number }
  | { readonly kind: 'counted'; readonly request: CountedRequest }
  | { readonly kind: 'verify'; readonly head?: string }

/** To the thread. `number` comes back with the answer; `now` is the clock of main.ts. */
export type Order =
  | {
      readonly kind: 'save'
      readonly number: number
      readonly now: number
      readonly connections: readonly Connection[]
    }
  | { readonly kind: 'write'; readonly number: number; readonly now: number; readonly entry: Entry }
  | { readonly kind: 'ask'; readonly number: number; readonly now: number; readonly query: Query }
  | { readonly kind: 'file'; readonly now: number; readonly file: SeenFile }
  | { readonly kind: 'keep'; readonly now: number; readonly usual: readonly Usual[] }
  | { readonly kind: 'tick'; readonly now: number }
  | { readonly kind: 'close'; readonly number: number; readonly now: number }

/** From the thread. Health comes before the answer that it is about. */
export type Report =
  | { readonly kind: 'opened'; readonly remembered: Remembered }
  | { readonly kind: 'refused'; readonly message: string; readonly hint: string }
  | { readonly kind: 'firstSeen'; readonly sightings: readonly NewSighting[] }
  | { readonly kind: 'health'; readonly health: PartHealth }
  | { readonly kind: 'done'; readonly number: number; readonly answer?: unknown }
  | { readonly kind: 'failed'; readonly number: number; readonly message: string; readonly hint: string }
