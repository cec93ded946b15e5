import type { Alert, Decision } from '../../../src/contract/schemas.ts'
import { type CopyLine, copyLine } from './line.ts'
import { blockOrUnblock, see } from './traffic.ts'

const HOUR_SECONDS = 3600

/** Of a block that stands: its time is changed by blocking anew. */
export const blockLines = (target: string): CopyLine[] => [
  blockOrUnblock(target, target),
  copyLine('change', 'block --for 1h', [target], {
    method: 'POST',
    path: 'blocks',
    body: { target, seconds: HOUR_SECONDS },
  }),
  see(`peer:${target}`),
]

export const allowedLines = (target: string): CopyLine[] => [
  copyLine('remove', 'allow remove', [target], {
    method: 'DELETE',
    path: `allow/${encodeURIComponent(target)}`,
  }),
]

export const decisionLines = ({ id }: Pick<Decision, 'id'>, canUndo: boolean): CopyLine[] => [
  ...(canUndo ? [copyLine('undo', 'undo', [id], { method: 'POST', path: `decisions/${id}/undo` })] : []),
  why('decision', id),
]

type CopiedAlert = Pick<Alert, 'id' | 'archived' | 'subject' | 'blame' | 'suggestion'>

export function alertLines(
  { id, archived, subject, blame, suggestion }: CopiedAlert,
  blockedAs: string | undefined,
): CopyLine[] {
  const accept = suggestion && blockedAs === undefined
  return [
    ...(accept
      ? [copyLine('accept', 'alerts accept', [id], { method: 'POST', path: `alerts/${id}/accept` })]
      : []),
    ...(blockedAs !== undefined || blame !== 'nobody' ? [blockOrUnblock(subject, blockedAs)] : []),
    copyLine(
      archived ? 'unarchive' : 'archive',
      archived ? 'alerts archive --back' : 'alerts archive',
      [id],
      {
        method: 'POST',
        path: `alerts/${id}/archive?archived=${!archived}`,
      },
    ),
    why('alert', id),
  ]
}

const why = (of: 'alert' | 'decision', id: number): CopyLine =>
  copyLine('why', `explain ${of}`, [id], { method: 'POST', path: 'explain', body: { of, id } })
