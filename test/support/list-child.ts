import { createListEnforcer } from '#enforce/lists.ts'
import { ListBuilder } from '#intel/indicators/list-builder.ts'
import { formatIpv4, type Target } from '#model/address.ts'
import type { BlockedList } from '#model/blocked-list.ts'
import { answerRequests } from './answer-requests.ts'

/**
 * The enforcer of lists inside a network namespace, one request per line of input, one answer per line of output:
 * list-enforcer.ts is the test's side. In its own process because a namespace belongs to a process, and to be killed.
 */
const repairs: string[] = []
const enforcer = createListEnforcer({
  table: 'gatehouse_lists',
  log: { group: 71, perSecond: 100, snapBytes: 160 },
  now: () => Date.now(),
  onRepair: (what) => repairs.push(what),
})
/** A version is an object: the same entries again are the same one. */
const versions = new Map<string, BlockedList>()

function listOf(id: string, entries: Iterable<string>): BlockedList {
  const options = { key: { k0: 1, k1: 2 }, maxEntries: 2_000_000, mayBePrivate: true, now: Date.now() }
  const builder = new ListBuilder(options)
  for (const value of entries) builder.add({ kind: 'target', value })
  return { id, rows: builder.finish() }
}

function version(id: string, entries: readonly string[]): BlockedList {
  const name = JSON.stringify([id, entries])
  const list = versions.get(name) ?? listOf(id, entries)
  versions.set(name, list)
  return list
}

function* manyEntries(count: number): Generator<string> {
  for (let at = 0; at < count; at++) yield `${formatIpv4(0x0b000000 + at * 16)}${at % 10 === 0 ? '/29' : ''}`
}

/** The longest that the event loop was kept from other work, in milliseconds, while something went on. */
async function longestStall(during: Promise<unknown>): Promise<number> {
  let longest = 0
  let before = performance.now()
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - before - 1)
    before = performance.now()
  }, 1)
  await during
  clearInterval(timer)
  return longest
}

await answerRequests({
  hold: (lists: Record<string, readonly string[]>) =>
    enforcer.hold(Object.entries(lists).map(([id, entries]) => version(id, entries))),
  /** Every tenth is a range; answers how long it took, and the longest that anything else had to wait. */
  holdMany: async (count: number) => {
    const list = listOf('many', manyEntries(count))
    const startedAt = performance.now()
    const holding = enforcer.hold([list])
    const stallMs = await longestStall(holding)
    return { isDone: await holding, tookMs: performance.now() - startedAt, stallMs }
  },
  spare: (targets: readonly Target[]) => enforcer.spare(targets),
  drops: () => Object.fromEntries(enforcer.drops()),
  called: () => enforcer.takeCalled(),
  verify: () => enforcer.verify(Date.now()),
  health: () => enforcer.health,
  repairs: () => repairs,
  stop: (keep: boolean) => enforcer.stop(keep),
})
