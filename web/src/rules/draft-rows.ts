import { commonPairs } from '../../../src/contract/common-pairs.ts'
import type { ReadRule } from '../../../src/contract/rule-drafting.ts'

/** How a rule of the draft stands to those in force. */
export type Mark = 'same' | 'added' | 'changed' | 'moved' | 'removed'

export interface DraftRow {
  readonly mark: Mark
  readonly rule: ReadRule
  /** The rule in force that it was: its counters are known by this one's id. Absent of one that is added. */
  readonly was?: ReadRule
}

/** The rules of a draft with those that it takes away, each with how it differs from what is in force. */
export function draftRows(draft: readonly ReadRule[], inForce: readonly ReadRule[]): DraftRow[] {
  const anchors = new Map(commonPairs(draft.map(said), inForce.map(said)))
  const rest = leftovers(draft, inForce, anchors)
  const rows: DraftRow[] = []
  const gone = (from: number, to: number): void => {
    for (const rule of inForce.slice(from, to)) {
      if (rest.removed.has(rule)) rows.push({ mark: 'removed', rule, was: rule })
    }
  }
  let next = 0
  draft.forEach((rule, at) => {
    const anchor = anchors.get(at)
    if (anchor !== undefined) {
      gone(next, anchor)
      next = anchor + 1
      rows.push({ mark: 'same', rule, was: inForce[anchor] as ReadRule })
      return
    }
    const found = rest.found.get(rule)
    rows.push(found ? { ...found, rule } : { mark: 'added', rule })
  })
  gone(next, inForce.length)
  return rows
}

export const countChanges = (rows: readonly DraftRow[]): number =>
  rows.filter(({ mark }) => mark !== 'same').length

const said = ({ keys }: ReadRule): string => JSON.stringify(keys)

/** Who is who among those that are not in the same place: moved, changed, or gone. */
function leftovers(
  draft: readonly ReadRule[],
  inForce: readonly ReadRule[],
  anchors: ReadonlyMap<number, number>,
) {
  const kept = new Set(anchors.values())
  const removed = new Set(inForce.filter((_, at) => !kept.has(at)))
  const found = new Map<ReadRule, { mark: Mark; was: ReadRule }>()
  const fresh = draft.filter((_, at) => !anchors.has(at))
  const pair = (mark: Mark, fits: (was: ReadRule, rule: ReadRule) => boolean): void => {
    for (const rule of fresh) {
      if (found.has(rule)) continue
      const was = [...removed].find((other) => fits(other, rule))
      if (!was) continue
      found.set(rule, { mark, was })
      removed.delete(was)
    }
  }
  pair('moved', (was, rule) => said(was) === said(rule))
  pair('changed', (was, rule) => rule.keys['id'] !== undefined && was.keys['id'] === rule.keys['id'])
  // What stands where another stood, and is about the same way, is most likely that one.
  const placeOf = new Map(draft.map((rule, at) => [rule, at]))
  pair('changed', (was, rule) => {
    const isNear = anchorBefore(anchors, placeOf.get(rule) ?? 0) === forceBefore(kept, was.number - 1)
    return (
      isNear &&
      was.keys['id'] === undefined &&
      rule.keys['id'] === undefined &&
      was.keys['direction'] === rule.keys['direction']
    )
  })
  return { removed, found }
}

function anchorBefore(anchors: ReadonlyMap<number, number>, at: number): number {
  for (let before = at - 1; before >= 0; before--) {
    const anchor = anchors.get(before)
    if (anchor !== undefined) return anchor
  }
  return -1
}

function forceBefore(kept: ReadonlySet<number>, at: number): number {
  for (let before = at - 1; before >= 0; before--) if (kept.has(before)) return before
  return -1
}
