import { Resolver } from 'node:dns/promises'
import { RecentMap } from '#lib/recent-map.ts'
import type { Ip } from '#model/address.ts'
import { MAX_NAME_BYTES } from './wire-name.ts'

/** What reverse DNS says of an address; `name` is text of strangers. */
export type PointerAnswer =
  | { readonly state: 'named'; readonly name: string }
  /** It was asked, and there is none. */
  | { readonly state: 'nameless' }
  /** Nobody answered. */
  | { readonly state: 'failed'; readonly because: string }

/** How reverse DNS is asked: whom, and for what. */
export interface PointerResolver {
  /** Addresses of the DNS servers, with the port where it is not 53. */
  servers(): readonly string[]
  /** Rejects with the `code` of node:dns. */
  reverse(address: Ip): Promise<readonly string[]>
}

export interface PointersParts {
  /** Puts a request on record; nothing is sent before it settles. */
  readonly record: (request: { to: string; what: string; why: string }) => Promise<void>
  readonly now: () => number
  readonly resolver?: PointerResolver
}

/** Names by reverse DNS (PTR), only when somebody asks: it tells the DNS server whom this machine talks to. */
export interface Pointers {
  /** `why` says on whose behalf, for the egress ledger. Never rejects because of the network. */
  ask(address: Ip, why: string): Promise<PointerAnswer>
}

const TIMEOUT_MS = 2_000
const TRIES = 2
const CAPACITY = 4_096
const NAMED_MS = 3_600_000
const NAMELESS_MS = 300_000
const FAILED_MS = 10_000

interface Known {
  readonly answer: Promise<PointerAnswer>
  until: number
}

export function createPointers(parts: PointersParts): Pointers {
  const { record, now } = parts
  const resolver = parts.resolver ?? systemResolver()
  const known = new RecentMap<Ip, Known>(CAPACITY)

  async function look(address: Ip, why: string): Promise<PointerAnswer> {
    const to = resolver.servers().join(', ') || 'the DNS server'
    await record({ to, what: `PTR of ${address}`, why })
    try {
      const [name] = await resolver.reverse(address)
      if (name === undefined || name === '' || name.length > MAX_NAME_BYTES) return { state: 'nameless' }
      return { state: 'named', name: name.toLowerCase() }
    } catch (error) {
      return failureOf(error)
    }
  }

  return {
    ask(address, why) {
      const before = known.get(address)
      if (before && before.until > now()) return before.answer
      // Who asks meanwhile gets the same answer.
      const fresh: Known = { answer: look(address, why), until: Number.POSITIVE_INFINITY }
      known.set(address, fresh)
      fresh.answer.then(
        ({ state }) => {
          fresh.until = now() + KEPT_MS[state]
        },
        () => {
          fresh.until = 0
        },
      )
      return fresh.answer
    },
  }
}

const KEPT_MS = { named: NAMED_MS, nameless: NAMELESS_MS, failed: FAILED_MS } as const

/** What the server says there is not (RFC 1035), or that it did not say. */
function failureOf(error: unknown): PointerAnswer {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  if (code === 'ENOTFOUND' || code === 'ENODATA') return { state: 'nameless' }
  const because =
    code === 'ETIMEOUT' || code === 'ECANCELLED'
      ? `no DNS server answered within ${(TIMEOUT_MS * TRIES) / 1000} seconds`
      : `the DNS server could not be asked (${code})`
  return { state: 'failed', because }
}

/** A new one for each question: it reads which servers there are now. */
const systemResolver = (): PointerResolver => ({
  servers: () => new Resolver().getServers(),
  reverse: (address) => new Resolver({ timeout: TIMEOUT_MS, tries: TRIES }).reverse(address),
})
