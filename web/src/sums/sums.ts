import type { Connection } from '../../../src/contract/schemas.ts'
import type { Summary } from '../../../src/contract/views.ts'
import { downOf, isInbound, type Owner, programOf, upOf } from '../connections/row.ts'
import { text } from '../text/text.ts'

export type By = 'program' | 'host'

const LONGEST_KEY = 512

/** What the connections of one program, or with one host, add up to. */
export interface Sum {
  /** Path of the program, or address of the host; as the API keys its summaries. */
  readonly key: string
  readonly name: string
  owner: Owner | undefined
  /** For hosts: what is known of the other end. */
  readonly peer: Connection | undefined
  /** The other side: hosts of a program, programs of a host. */
  readonly others: Set<string>
  readonly peers: Set<string>
  /** Open now. */
  connections: number
  /** Bytes per second now. */
  down: number
  up: number
  /** Over the period that is looked at. */
  bytesIn: number
  bytesOut: number
  firstAt: number
  /** What the kernel counted of it over that period. */
  readonly counted?: Summary['counted']
}

/** Sums of what is open now, by program or by host. */
export function sumsOf(
  connections: Iterable<Connection>,
  by: By,
  isGone: (id: number) => boolean,
): Map<string, Sum> {
  const sums = new Map<string, Sum>()
  for (const connection of connections) {
    if (isGone(connection.id)) continue
    const key = by === 'program' ? programKey(connection) : connection.peer
    const sum = sums.get(key) ?? emptySum(key, by, connection)
    sums.set(key, sum)
    add(sum, connection, by)
  }
  return sums
}

/** As the API keys its summaries; `unknown` and `through` where no program is known. */
function programKey(connection: Connection): string {
  const { owner } = connection
  if (!owner) return programOf(connection)
  const isReadable = owner.unreadableBecause === undefined && owner.path !== ''
  return (isReadable ? owner.path : `[${owner.name}]`).slice(0, LONGEST_KEY)
}

function emptySum(key: string, by: By, connection: Connection): Sum {
  const name = by === 'program' ? (connection.owner?.name ?? nameOf(key, by)) : connection.peer
  return {
    ...nothing(key, name, connection.openedAt),
    owner: by === 'program' ? connection.owner : undefined,
    peer: by === 'host' ? connection : undefined,
  }
}

const nothing = (key: string, name: string, firstAt: number): Sum => ({
  key,
  name,
  owner: undefined,
  peer: undefined,
  others: new Set(),
  peers: new Set(),
  connections: 0,
  down: 0,
  up: 0,
  bytesIn: 0,
  bytesOut: 0,
  firstAt,
})

function add(sum: Sum, connection: Connection, by: By): void {
  const { bytesForward, bytesBackward, peer, openedAt } = connection
  sum.others.add(by === 'program' ? peer : (connection.owner?.name ?? ''))
  sum.peers.add(peer)
  sum.connections++
  sum.down += downOf(connection)
  sum.up += upOf(connection)
  sum.bytesIn += isInbound(connection) ? bytesForward : bytesBackward
  sum.bytesOut += isInbound(connection) ? bytesBackward : bytesForward
  sum.firstAt = Math.min(sum.firstAt, openedAt)
  // An owner that was found later says more than the one before it.
  if (by === 'program' && connection.owner) sum.owner ??= connection.owner
}

/** The sums of a period, as the API tells them, with what is open now laid beside them. */
export function withPeriod(live: ReadonlyMap<string, Sum>, items: readonly Summary[], by: By): Sum[] {
  const isListed = new Set(items.map(({ key }) => key))
  const of = (item: Summary): Sum => {
    const sum = live.get(liveKeyOf(item.key)) ?? nothing(item.key, nameOf(item.key, by), item.firstAt)
    const { bytesIn, bytesOut } = carried(item)
    return { ...sum, bytesIn, bytesOut, firstAt: item.firstAt, counted: item.counted }
  }
  const open = [...live.values()].filter(({ key }) => !isListed.has(key) && key !== 'unknown')
  return [...items.map(of), ...open]
}

/** What was captured, or what the kernel counted, whichever is more: not all that a program says is captured. */
function carried(item: Summary): { readonly bytesIn: number; readonly bytesOut: number } {
  const { counted } = item
  return counted && counted.bytesIn + counted.bytesOut > item.bytesIn + item.bytesOut ? counted : item
}

/** Sums without a program have no key in the API. */
const liveKeyOf = (key: string): string => (key === '' ? 'unknown' : key)

/** `*` stands for all that had no row of their own. */
const NAMES: Readonly<Record<string, string>> = {
  '': text.connections.unknown,
  unknown: text.connections.unknown,
  through: text.connections.through,
  '*': text.period.others,
}

const nameOf = (key: string, by: By): string =>
  NAMES[key] ?? (by === 'program' ? (key.split('/').at(-1) ?? key) : key)

/** Whether the API can tell more about it than its sum. */
export const isNamed = ({ key }: Sum): boolean => NAMES[key] === undefined

export const SORTS = [
  'name',
  'others',
  'connections',
  'down',
  'up',
  'bytesIn',
  'bytesOut',
  'firstAt',
] as const
export type Sort = (typeof SORTS)[number]

/** In the order of a column; equal ones by name, so that nothing jumps. */
export function sorted(sums: readonly Sum[], sort: Sort, isDescending: boolean): Sum[] {
  const turn = isDescending ? -1 : 1
  const worth = (sum: Sum): number => (sort === 'others' ? sum.others.size : sort === 'name' ? 0 : sum[sort])
  return [...sums].sort(
    (a, b) => turn * (worth(a) - worth(b)) || (sort === 'name' ? turn : 1) * compare(a, b),
  )
}

const compare = (a: Sum, b: Sum): number =>
  a.name.toLowerCase() < b.name.toLowerCase()
    ? -1
    : a.name.toLowerCase() > b.name.toLowerCase()
      ? 1
      : a.key < b.key
        ? -1
        : 1
