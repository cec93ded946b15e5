import type { Target } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import { type AllowList, createAllowList } from '#policy/allow-list.ts'

/** All that may never be blocked: found on the machine, set in the config, added by a person. */
export interface AllowBook {
  entries(): readonly AllowEntry[]
  /** The entry that protects some address of `target`. */
  spares(target: Target): AllowEntry | undefined
  /** Takes what the machine shows now; answers the entries that were not there before. */
  refresh(found: readonly AllowEntry[]): readonly AllowEntry[]
  /** Answers false when a person's entry was there already. */
  add(entry: AllowEntry): boolean
  remove(target: Target): AllowEntry | undefined
  /** What a person added: the store keeps these. */
  personal(): readonly AllowEntry[]
}

export function createAllowBook(
  configured: readonly AllowEntry[],
  personal: readonly AllowEntry[],
): AllowBook {
  const byPerson = new Map<Target, AllowEntry>(personal.map((entry) => [entry.target, entry]))
  let found: readonly AllowEntry[] = []
  let list: AllowList = createAllowList([...configured, ...byPerson.values()])
  const rebuild = (): void => {
    list = createAllowList([...found, ...configured, ...byPerson.values()])
  }

  return {
    entries: () => list.entries,
    spares: (target) => list.spares(target),
    refresh(now) {
      const known = new Set(found.map(({ target, source }) => `${source} ${target}`))
      const fresh = now.filter(({ target, source }) => !known.has(`${source} ${target}`))
      if (fresh.length === 0 && now.length === found.length) return fresh
      found = now
      rebuild()
      return fresh
    },
    add(entry) {
      if (byPerson.has(entry.target)) return false
      byPerson.set(entry.target, entry)
      rebuild()
      return true
    },
    remove(target) {
      const entry = byPerson.get(target)
      if (entry && byPerson.delete(target)) rebuild()
      return entry
    },
    personal: () => [...byPerson.values()],
  }
}
