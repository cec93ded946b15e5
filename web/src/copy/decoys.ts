import type { ShieldStatus } from '../../../src/contract/shield.ts'
import { type CopyLine, copyLine } from './line.ts'

/** A port, or an address, that is set as a decoy. */
export const decoyLines = (place: string): CopyLine[] => [
  copyLine('remove', 'decoys remove', [place], {
    method: 'PATCH',
    path: 'decoys',
    body: { remove: [place] },
  }),
]

export const shieldLines = (kind: keyof ShieldStatus, what: number | string): CopyLine[] => [
  copyLine('off', kind === 'closed' ? 'shield open' : 'shield end', [what], {
    method: 'DELETE',
    path: `shield/${kind}/${encodeURIComponent(what)}`,
  }),
]
