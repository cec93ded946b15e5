import { keep, keptText } from '../kept.ts'
import { text } from '../text/text.ts'
import type { Sort } from './order.ts'
import type { View } from './row.ts'

export type ColumnId =
  | 'app'
  | 'dir'
  | 'port'
  | 'place'
  | 'state'
  | 'verdict'
  | 'source'
  | 'spark'
  | 'down'
  | 'up'
  | 'data'
  | 'rtt'
  | 'lost'
  | 'age'

export interface Column {
  readonly id: ColumnId
  /** Width in rem. */
  readonly width: number
  readonly isNumber: boolean
  readonly sort?: Sort
}

/** In the order in which they stand. */
export const COLUMNS: readonly Column[] = [
  { id: 'app', width: 8.5, isNumber: false },
  { id: 'dir', width: 4.25, isNumber: false },
  { id: 'port', width: 6, isNumber: false, sort: 'port' },
  { id: 'place', width: 5, isNumber: false },
  { id: 'state', width: 5.75, isNumber: false, sort: 'state' },
  { id: 'verdict', width: 5.5, isNumber: false, sort: 'verdict' },
  { id: 'source', width: 6.75, isNumber: false },
  { id: 'spark', width: 5, isNumber: false },
  { id: 'down', width: 5, isNumber: true, sort: 'down' },
  { id: 'up', width: 5, isNumber: true, sort: 'up' },
  { id: 'data', width: 4.5, isNumber: true, sort: 'data' },
  { id: 'rtt', width: 4.25, isNumber: true, sort: 'rtt' },
  { id: 'lost', width: 3.75, isNumber: true, sort: 'lost' },
  { id: 'age', width: 3.5, isNumber: true, sort: 'age' },
]

/** Which columns a narrow list keeps longest. */
const KEPT_LONGEST: readonly ColumnId[] = [
  'verdict',
  'down',
  'app',
  'port',
  'up',
  'state',
  'place',
  'age',
  'spark',
  'dir',
  'source',
  'data',
  'rtt',
  'lost',
]

const NAME_WIDTH = 16
const GAP = 0.75
const PADDING = 2
/** Below this many pixels a connection takes two lines. */
export const TWO_LINES_BELOW = 640

/** The columns that fit into `width` pixels; `hidden` ones are not wanted. */
export function fitting(width: number, view: View, hidden: ReadonlySet<ColumnId>): Column[] {
  const remPixels = Number.parseFloat(getComputedStyle(document.documentElement).fontSize)
  let left = width / remPixels - NAME_WIDTH - PADDING
  const chosen = new Set<ColumnId>()
  for (const id of KEPT_LONGEST) {
    const column = COLUMNS.find((one) => one.id === id)
    if (!column || hidden.has(id) || (id === 'app' && view === 'program')) continue
    left -= column.width + GAP
    if (left < 0) break
    chosen.add(id)
  }
  return COLUMNS.filter(({ id }) => chosen.has(id))
}

/** For `grid-template-columns`. */
export const template = (columns: readonly Column[]): string =>
  ['minmax(0, 1fr)', ...columns.map(({ width }) => `${width}rem`)].join(' ')

export const titleOf = (id: ColumnId): string => text.connections.columns[id]

export function keptHidden(): Set<ColumnId> {
  const names = keptText('columns.hidden')?.split(',') ?? []
  return new Set(COLUMNS.map(({ id }) => id).filter((id) => names.includes(id)))
}

export const keepHidden = (hidden: ReadonlySet<ColumnId>): void =>
  keep('columns.hidden', [...hidden].join(','))
