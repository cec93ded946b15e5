import { statSync } from 'node:fs'
import type { SocketBytes } from '#kernel/bpf/byte-counters.ts'
import type { SocketDiag } from '#kernel/sock-diag.ts'
import { SOCKET_STATE, SocketTable } from '#kernel/socket-table.ts'
import { PROTOCOL } from '#model/packet.ts'
import { programKeyOf } from '#model/summary.ts'
import type { LookUp } from './look-up.ts'
import type { FoundSocket } from './owner-source.ts'
import { foundAt } from './socket-finder.ts'

export interface SearchParts {
  readonly diag: Pick<SocketDiag, 'fill'>
  readonly lookUp: Pick<LookUp, 'search'>
  /** Number of our network namespace: the table is of it. */
  readonly netns: number
  readonly now: number
}

export const ownNamespace = (): number => statSync('/proc/thread-self/ns/net').ino

/**
 * Programs of sockets that were there before us, or were handed over: the table has their inodes, /proc who holds them.
 * One that came in and is over is of who listens at its port. By cookie.
 */
export function searchPrograms(
  sockets: ReadonlyMap<bigint, SocketBytes>,
  { diag, lookUp, netns, now }: SearchParts,
): Map<bigint, string> {
  const { own, listeners } = readTable(sockets, diag)
  const there = new Set(own.map(({ cookie }) => cookie))
  const listenerOf = ({ localPort, protocol, netns: of }: SocketBytes): FoundSocket | undefined =>
    of === netns && protocol === PROTOCOL.tcp ? listeners.get(localPort) : undefined
  const over = new Map<bigint, FoundSocket>()
  for (const [cookie, bytes] of sockets) {
    const listener = there.has(cookie) ? undefined : listenerOf(bytes)
    if (listener) over.set(cookie, listener)
  }
  const found = lookUp.search([...own, ...new Set(over.values())], now)
  const programs = new Map<bigint, string>()
  for (const cookie of sockets.keys()) {
    const owner = found.get(over.get(cookie)?.cookie ?? cookie)
    if (owner) programs.set(cookie, programKeyOf(owner))
  }
  return programs
}

/** Those of `sockets` that are open, and who listens at which port. */
function readTable(
  sockets: ReadonlyMap<bigint, SocketBytes>,
  diag: SearchParts['diag'],
): { readonly own: readonly FoundSocket[]; readonly listeners: ReadonlyMap<number, FoundSocket> } {
  const table = new SocketTable()
  diag.fill(table, { withTimeWait: false })
  const own: FoundSocket[] = []
  const listeners = new Map<number, FoundSocket>()
  for (let row = 0; row < table.count; row++) {
    const socket = foundAt(table, row)
    if (sockets.has(socket.cookie)) own.push(socket)
    if (table.state[row] === SOCKET_STATE.listen) listeners.set(table.localPort[row] as number, socket)
  }
  return { own, listeners }
}
