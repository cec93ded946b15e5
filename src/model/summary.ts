import type { Connection } from './flow.ts'
import type { Owner } from './owner.ts'
import { protocolName } from './packet.ts'

/** What connections are summed up by. The index in this list is the code in the store. */
export const SUMMARY_KINDS = ['program', 'host', 'country', 'port', 'user', 'container'] as const

export type SummaryKind = (typeof SUMMARY_KINDS)[number]

/** Stands for what is not known, and for all that a bounded table has no row for. */
export const UNKNOWN_KEY = ''
export const OTHERS_KEY = '*'

/** What one program, host … did. Inbound and outbound as this machine sees it. */
export interface Summary {
  /** The path of a program, the address of a host, `443/tcp`, a user's name … */
  readonly key: string
  readonly flows: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Milliseconds since the epoch. */
  readonly firstAt: number
  readonly lastAt: number
}

/** How a program is called where it is summed up: its path, or its name where the path cannot be read. */
export const programKeyOf = (owner: Pick<Owner, 'path' | 'name'>): string =>
  owner.path === 'unreadable' || owner.path === '' ? `[${owner.name}]` : owner.path

const KEY_OF: Readonly<Record<SummaryKind, (connection: Connection) => string | undefined>> = {
  program: ({ owner }) => owner && programKeyOf(owner),
  host: ({ peer }) => peer,
  country: ({ country }) => country?.toUpperCase(),
  port: ({ protocol, targetPort }) =>
    targetPort === 0 ? protocolName(protocol) : `${targetPort}/${protocolName(protocol)}`,
  user: ({ owner }) => owner && (owner.user ?? String(owner.uid)),
  container: ({ owner }) => owner?.container && (owner.container.name ?? owner.container.id),
}

const LONGEST_KEY = 512

/** Under which key a connection is summed up; `''` where that is not known. */
export function summaryKeyOf(kind: SummaryKind, connection: Connection): string {
  const key = KEY_OF[kind](connection)?.slice(0, LONGEST_KEY) ?? UNKNOWN_KEY
  // A program may call itself as it likes, also as the row of the others.
  return key === OTHERS_KEY ? '“*”' : key
}

/** The bytes of a connection, inbound and outbound as this machine sees it; of a forwarded one, forward is inbound. */
export function bytesOf(connection: Pick<Connection, 'direction' | 'bytesForward' | 'bytesBackward'>): {
  readonly bytesIn: number
  readonly bytesOut: number
} {
  const { direction, bytesForward, bytesBackward } = connection
  const isOurs = direction === 'outbound' || direction === 'local'
  return isOurs
    ? { bytesIn: bytesBackward, bytesOut: bytesForward }
    : { bytesIn: bytesForward, bytesOut: bytesBackward }
}
