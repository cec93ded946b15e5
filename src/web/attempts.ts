/** Wrong passwords cost time: the first three nothing, then 1 s, 2 s, 4 s … up to a minute. */
const FREE_TRIES = 3
const LONGEST_WAIT_MS = 60_000
const FORGET_AFTER_MS = 3_600_000
/** All addresses beyond the table's room share one entry. */
const OVERFLOW = 'others'

interface Tries {
  count: number
  lastAt: number
}

export interface Attempts {
  /** Milliseconds until this address may try again; 0: now. */
  waitMs(address: string, now: number): number
  /** Counts a try. Call it before the password is checked: tries side by side then count too. */
  begin(address: string, now: number): void
  succeeded(address: string): void
}

export function createAttempts(capacity = 1_000): Attempts {
  const byNetwork = new Map<string, Tries>()

  const keyOf = (address: string): string => {
    const key = networkOf(address)
    return byNetwork.has(key) || byNetwork.size < capacity ? key : OVERFLOW
  }
  const forgetOld = (now: number): void => {
    for (const [key, tries] of byNetwork) if (now - tries.lastAt >= FORGET_AFTER_MS) byNetwork.delete(key)
  }

  return {
    waitMs(address, now) {
      const { count, lastAt } = byNetwork.get(keyOf(address)) ?? { count: 0, lastAt: now }
      if (count < FREE_TRIES) return 0
      const pause = Math.min(LONGEST_WAIT_MS, 1000 * 2 ** Math.min(count - FREE_TRIES, 10))
      return Math.max(0, lastAt + pause - now)
    },
    begin(address, now) {
      forgetOld(now)
      const key = keyOf(address)
      byNetwork.set(key, { count: (byNetwork.get(key)?.count ?? 0) + 1, lastAt: now })
    },
    succeeded(address) {
      // Only this try counts no more: with an account of one's own nobody buys guesses at those of others.
      const key = keyOf(address)
      const tries = byNetwork.get(key)
      if (tries && tries.count > 1) tries.count--
      else byNetwork.delete(key)
    },
  }
}

/** One IPv6 customer holds a /64: its addresses are one. */
export function networkOf(address: string): string {
  const bare = address.replace(/^::ffff:(?=\d+\.)/, '')
  if (!bare.includes(':')) return bare
  const [head = '', tail] = bare.split('%')[0]?.split('::') ?? []
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - front.length - back.length
  const groups = [...front, ...Array<string>(Math.max(0, zeros)).fill('0'), ...back]
  return `${groups.slice(0, 4).join(':')}::/64`
}
