import type { SocketColumns } from '#kernel/socket-table.ts'
import type { PartHealth } from '#model/health.ts'
import type { Owner, SocketKey } from '#model/owner.ts'
import type { ProgramBytesReport, TakenBytes } from '#model/program-bytes.ts'
import type { OwnerSource } from './owner-source.ts'
import type { OwnersSettings } from './settings.ts'

/** `owner` is absent when nobody could say: the socket is gone, or there never was one on this machine. */
export interface OwnerAnswer {
  readonly key: SocketKey
  readonly owner?: Owner
}

/** All sockets; the owner of row `r` is `owners[ownerOf[r]]`, and -1 in `ownerOf` is unknown. */
export interface ListedSockets {
  readonly columns: SocketColumns
  readonly owners: readonly Owner[]
  readonly ownerOf: Int32Array
}

/** What the thread starts with. */
export interface WorkerSettings {
  /** The ways to know owners that may be used. */
  readonly sources: readonly OwnerSource['name'][]
  /** What is counted with eBPF, where this kernel can. */
  readonly countBytes: OwnersSettings['countBytes']
}

/** What the main thread asks of the owners thread. */
export type Request =
  | { readonly kind: 'look-up'; readonly keys: readonly SocketKey[] }
  | { readonly kind: 'list' }
  | { readonly kind: 'bytes' }
  /** What was counted since this was asked last; see `ProgramBytesBook.take`. */
  | { readonly kind: 'take-bytes'; readonly end: 'later' | 'end' }
  | { readonly kind: 'stop' }

/** What comes back. */
export type Report =
  | { readonly kind: 'answers'; readonly answers: readonly OwnerAnswer[] }
  | { readonly kind: 'list'; readonly sockets: ListedSockets }
  /** `report` is absent where bytes are not counted. */
  | { readonly kind: 'bytes'; readonly report?: ProgramBytesReport }
  | { readonly kind: 'taken'; readonly taken?: TakenBytes }
  | { readonly kind: 'health'; readonly health: PartHealth }
