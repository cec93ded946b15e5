import { text } from '../text/text.ts'
import type { By, Sort } from './sums.ts'

export type SumColumnId = Sort | 'from' | 'user' | 'blocks'

export interface SumColumn {
  readonly id: SumColumnId
  readonly title: string
  /** Width in rem. */
  readonly width: number
  readonly isNumber: boolean
  readonly sort?: Sort
}

const NAME_WIDTH = 12
const GAP = 0.75
const PADDING = 2

const words = text.programs.columns
const hosts = text.hosts.columns

/** In the order in which they stand. */
const columnsOf = (by: By): readonly SumColumn[] => [
  { id: 'from', title: by === 'host' ? hosts.from : words.from, width: 9.5, isNumber: false },
  {
    id: 'user',
    title: by === 'host' ? hosts.user : words.user,
    width: by === 'host' ? 7 : 5.5,
    isNumber: false,
  },
  number('others', by === 'host' ? hosts.programs : words.hosts, by === 'host' ? 4.75 : 3.5),
  number('connections', words.connections, 3.5),
  number('down', words.rateDown, 5),
  number('up', words.rateUp, 5),
  number('bytesIn', words.bytesIn, 5),
  number('bytesOut', words.bytesOut, 5),
  { id: 'firstAt', title: words.firstAt, width: 5.5, isNumber: false, sort: 'firstAt' },
  { id: 'blocks', title: words.blocks, width: 5.5, isNumber: false },
]

const number = (id: Sort, title: string, width: number): SumColumn => ({
  id,
  title,
  width,
  isNumber: true,
  sort: id,
})

const KEPT_LONGEST: readonly SumColumnId[] = [
  'down',
  'blocks',
  'connections',
  'others',
  'up',
  'bytesIn',
  'from',
  'bytesOut',
  'user',
  'firstAt',
]

/** The columns that fit into `width` pixels. */
export function fittingColumns(width: number, by: By): SumColumn[] {
  const remPixels = Number.parseFloat(getComputedStyle(document.documentElement).fontSize)
  const all = columnsOf(by)
  let left = width / remPixels - NAME_WIDTH - PADDING
  const chosen = new Set<SumColumnId>()
  for (const id of KEPT_LONGEST) {
    left -= (all.find((column) => column.id === id)?.width ?? 0) + GAP
    if (left < 0) break
    chosen.add(id)
  }
  return all.filter(({ id }) => chosen.has(id))
}
