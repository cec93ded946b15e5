import type { Here } from '#contract/here.ts'
import type {
  Alert,
  AllowEntry,
  AllowRequest,
  Block,
  BlockRequest,
  Connection,
  Decision,
  DoctorCheck,
  LiveEvent,
  Outcome,
  Page,
  Status,
} from '#contract/schemas.ts'
import type { Verification } from '#contract/verification.ts'
import type { ProgramBytesReport } from '#model/program-bytes.ts'
import type { AccountsPort } from './accounts-port.ts'
import type { Actor, PageRequest } from './actor.ts'
import type { DecoysPort } from './decoys-port.ts'
import type { DetectorsPort } from './detectors-port.ts'
import type { IntelPort } from './intel-port.ts'
import type { PointerPort } from './pointer-port.ts'
import type { ResponsePort } from './response-port.ts'
import type { RuleDrafting } from './rule-drafting-port.ts'
import type { Rules } from './rules-port.ts'
import type { SettingsPort } from './settings-port.ts'
import type { ShieldPort } from './shield-port.ts'
import type { TimelinePort } from './timeline-port.ts'
import type { Closes, Views } from './views-port.ts'
import type { Watchdog } from './watchdog-port.ts'

export { ProofNeeded, Refused } from './refused.ts'
export type { Actor, PageRequest }

/** What the API asks of the product; main.ts answers it. Refusals are thrown as `Refused`. */
export interface Port {
  readonly intel: IntelPort
  /** Absent where nobody can sign in. */
  readonly accounts?: AccountsPort | undefined
  /** How long who signed in may change rules, settings and accounts without proving again who it is. */
  readonly proofMs?: number | undefined
  /** Absent where nothing is watched. */
  readonly detectors?: DetectorsPort | undefined
  /** Absent where rules cannot be enforced. */
  readonly rules?: Rules | undefined
  readonly ruleDrafting?: RuleDrafting | undefined
  /** Absent where no config file is in force. */
  readonly settings?: SettingsPort | undefined
  status(): Status
  liveConnections(): Connection[]
  flows(request: PageRequest & { readonly peer?: string; readonly since?: number }): Promise<Page<Connection>>
  alerts(request: PageRequest): Promise<Page<Alert>>
  archiveAlert(id: number, archived: boolean, actor: Actor): Promise<Alert>
  blocks(): Block[]
  block(request: BlockRequest, actor: Actor): Promise<Outcome>
  unblock(target: string, dryRun: boolean, actor: Actor): Promise<Outcome>
  allowList(): AllowEntry[]
  allow(request: AllowRequest, actor: Actor): Promise<Outcome>
  disallow(target: string, actor: Actor): Promise<Outcome>
  decisions(request: PageRequest): Promise<Page<Decision>>
  /** Walks the hash chain of decisions. `head` is a link that somebody kept, as hex. */
  verify(head?: string): Promise<Verification>
  undo(decisionId: number, actor: Actor): Promise<Outcome>
  readonly response: ResponsePort
  doctor(): Promise<DoctorCheck[]>
  /** Prometheus text. */
  metrics(): Promise<string>
  /** A fresh one-time link to the page, for an account or for who asks. */
  loginLink(actor?: Actor, account?: string): Promise<string>
  /** Of an account; of the owner's, which is made, where none is named. */
  setPassword(password: string, account: string | undefined, actor: Actor): Promise<void>
  subscribe(listener: (event: LiveEvent) => void): () => void
  readonly views: Views
  readonly closes: Closes
  /** Since the start, or over a period from the store. Resolves with nothing where the kernel does not count. */
  programBytes?(period?: {
    readonly since?: number
    readonly until?: number
  }): Promise<ProgramBytesReport | undefined>
  /** Absent where nothing is watched. */
  readonly decoys?: DecoysPort | undefined
  /** Absent where nothing is enforced. */
  readonly shield?: ShieldPort | undefined
  /** Absent where nothing is enforced. */
  readonly watchdog?: Watchdog | undefined
  /** Absent where nothing may be asked. */
  readonly pointers?: PointerPort | undefined
  /** Absent where that is not known. */
  readonly here?: (() => Here) | undefined
  /** Absent where nothing is kept. */
  readonly timeline?: TimelinePort | undefined
}
