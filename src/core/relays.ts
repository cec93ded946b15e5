import { createTurns } from '#lib/turns.ts'
import type { Connection } from '#model/flow.ts'
import { programKeyOf } from '#model/summary.ts'

/** What goes on is opened this soon after what came in. */
const SOON_MS = 5_000
/** Below this much, equal volumes are chance. */
const MIN_BYTES = 2_000
/** The larger volume may be this much more: a proxy adds headers, TLS pads. */
const MAX_RATIO = 1.25
/** Of those opened soon after, so many are compared with each that came in. */
const MAX_COMPARED = 50
/** A process that takes and opens connections all the time makes pairs without end. */
const MAX_RELAYS = 1_000

/** What came in from one host went on to another by the same process or its children. */
export interface Relay {
  readonly program: string
  readonly pid: number
  readonly from: string
  readonly to: string
  readonly toPort: number
  readonly times: number
  /** Of the clearest pair: how soon the second was opened, and what passed. */
  readonly delayMs: number
  readonly bytesForth: number
  readonly bytesBack: number
  readonly firstAt: number
  readonly lastAt: number
}

/** Pivots and proxies among these connections, those that passed most first. */
export async function findRelays(
  connections: readonly Connection[],
  turns = createTurns(),
): Promise<Relay[]> {
  const onward = openedByProcess(connections)
  await turns.rest()
  const relays = new Map<string, Relay>()
  for (const inbound of connections) {
    if (inbound.direction !== 'inbound' || !inbound.owner || inbound.owner.pid === 0) continue
    for (const outbound of soonAfter(inbound, onward)) fold(relays, inbound, outbound)
    await turns.rest()
  }
  return [...relays.values()].sort((a, b) => b.bytesForth + b.bytesBack - a.bytesForth - a.bytesBack)
}

/** What processes opened, in order of time, by process id and by that of the parent. */
function openedByProcess(connections: readonly Connection[]): ReadonlyMap<number, readonly Connection[]> {
  const opened = new Map<number, Connection[]>()
  const inOrder = connections
    .filter(({ direction }) => direction === 'outbound' || direction === 'local')
    .sort((a, b) => a.openedAt - b.openedAt)
  for (const connection of inOrder) {
    for (const pid of treeOf(connection)) {
      const known = opened.get(pid)
      if (known) known.push(connection)
      else opened.set(pid, [connection])
    }
  }
  return opened
}

/** The process itself and its parent: a server often lets a child talk on. */
function treeOf({ owner }: Connection): number[] {
  if (!owner || owner.pid === 0) return []
  const { pid, parentPid } = owner
  return parentPid !== undefined && parentPid > 1 ? [pid, parentPid] : [pid]
}

function soonAfter(inbound: Connection, onward: ReadonlyMap<number, readonly Connection[]>): Connection[] {
  const found = new Map<number, Connection>()
  for (const pid of treeOf(inbound)) {
    const list = onward.get(pid) ?? []
    for (let at = firstFrom(list, inbound.openedAt); at < list.length; at++) {
      const outbound = list[at] as Connection
      if (outbound.openedAt - inbound.openedAt > SOON_MS || found.size >= MAX_COMPARED) break
      if (outbound.peer !== inbound.peer && isSimilar(inbound, outbound)) found.set(outbound.id, outbound)
    }
  }
  return [...found.values()]
}

/** What the caller sent went on, and what came back went to the caller. */
const isSimilar = (inbound: Connection, outbound: Connection): boolean =>
  inbound.bytesForward + inbound.bytesBackward > MIN_BYTES &&
  isNear(inbound.bytesForward, outbound.bytesForward) &&
  isNear(inbound.bytesBackward, outbound.bytesBackward)

/** Small parts, a request or an answer of a few hundred bytes, may differ by headers. */
function isNear(a: number, b: number): boolean {
  const [small, large] = [Math.min(a, b), Math.max(a, b)]
  return large <= small * MAX_RATIO || large - small <= 400
}

/** The first of a list in order of time that was opened at `at` or later. */
function firstFrom(list: readonly Connection[], at: number): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((list[middle] as Connection).openedAt < at) low = middle + 1
    else high = middle
  }
  return low
}

function fold(relays: Map<string, Relay>, inbound: Connection, outbound: Connection): void {
  const { owner } = inbound
  if (!owner) return
  const program = programKeyOf(owner)
  const key = `${inbound.peer} ${outbound.peer} ${outbound.peerPort} ${program}`
  const known = relays.get(key)
  const one: Relay = {
    program,
    pid: owner.pid,
    from: inbound.peer,
    to: outbound.peer,
    toPort: outbound.peerPort,
    times: 1,
    delayMs: outbound.openedAt - inbound.openedAt,
    bytesForth: inbound.bytesForward,
    bytesBack: inbound.bytesBackward,
    firstAt: inbound.openedAt,
    lastAt: outbound.seenAt,
  }
  if (!known) {
    if (relays.size < MAX_RELAYS) relays.set(key, one)
    return
  }
  const clearest = one.bytesForth + one.bytesBack > known.bytesForth + known.bytesBack ? one : known
  relays.set(key, {
    ...clearest,
    times: known.times + 1,
    firstAt: Math.min(known.firstAt, one.firstAt),
    lastAt: Math.max(known.lastAt, one.lastAt),
  })
}
