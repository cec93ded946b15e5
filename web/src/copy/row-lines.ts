import type { Row } from '../connections/row.ts'
import type { CopyLine } from './line.ts'
import { flowLines, hostLines, programLines } from './traffic.ts'

/** Of a row of the connections. `blockOf` answers the block that holds an address. */
export function rowLines(row: Row, blockOf: (peer: string) => string | undefined): CopyLine[] {
  const [first] = row.connections
  if (!first) return []
  if (row.kind === 'program') return first.owner ? programLines(first.owner.path || first.owner.name) : []
  const blockedAs = row.blocked === row.connections.length ? (blockOf(first.peer) ?? first.peer) : undefined
  return row.kind === 'flow' && !row.isGone ? flowLines(first, blockedAs) : hostLines(first.peer, blockedAs)
}
