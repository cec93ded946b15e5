import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { NamedAddress, NameMemory } from '#enforce/named-sets.ts'
import { writeAtomically } from '#lib/atomic-file.ts'
import { RecentMap } from '#lib/recent-map.ts'
import { type Ip, ip } from '#model/address.ts'
import type { NameReport } from '#model/name.ts'
import { namesOfScore } from '#model/reputation-name.ts'

/** An answer counts a minute longer than it may be kept: who opens a connection with it late meets the rule too. */
const GRACE_MS = 60_000
const MAX_LASTS_MS = 86_400_000
const ADDRESSES = 65_536
/** A reputation counts so long after it was looked at last. */
const REPUTATION_LASTS_MS = 3_600_000
const NAMES_PER_ADDRESS = 16
/** Looked for what to write so often, and at the stop. */
const WRITE_EVERY_MS = 10_000
const MAX_KEPT = 65_536

const Kept = z.array(z.object({ name: z.string(), address: z.string(), until: z.number() })).max(MAX_KEPT)

export interface RuleDomainsParts {
  /** Where what rules ask for is kept over a restart. */
  readonly file: string
  readonly now: () => number
  /** Addresses that a name must not lead rules to: this machine's own, its gateways, DNS servers, sessions. */
  readonly isSpared: (address: Ip) => boolean
  /** Hands on what became known; answers what is new to a rule in force. */
  readonly enforce: (found: readonly NamedAddress[]) => readonly NamedAddress[]
  /** Whether a rule in force asks for this name. */
  readonly isAsked: (name: string) => boolean
}

/**
 * Which names lead to which addresses, by answers of DNS alone: they are believed only where somebody asked. What a
 * connection says of itself (TLS, HTTP) is what a program claims, and no rule goes by it. Bounded: what was not heard
 * of for long is forgotten first.
 */
export class RuleDomains implements NameMemory {
  readonly #parts: RuleDomainsParts
  readonly #byAddress = new RecentMap<Ip, ReadonlyMap<string, number>>(ADDRESSES)
  /** Of addresses of which anything bad is known: reputations that they were over, and until when that counts. */
  readonly #reputations = new RecentMap<Ip, ReadonlyMap<string, number>>(ADDRESSES)
  #written = '[]'
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(parts: RuleDomainsParts) {
    this.#parts = parts
    for (const found of readKept(parts.file)) {
      if (!parts.isSpared(found.address)) this.#remember(found)
    }
  }

  now(): number {
    return this.#parts.now()
  }

  /** Answers those that a rule in force did not know. */
  learn(reports: readonly NameReport[]): readonly NamedAddress[] {
    const found = reports.flatMap((report): NamedAddress[] => {
      const { source, name, address, at, ttlSeconds = 0 } = report
      if (source !== 'dns' || this.#parts.isSpared(address)) return []
      const one = { name, address, until: at + Math.min(ttlSeconds * 1000 + GRACE_MS, MAX_LASTS_MS) }
      this.#remember(one)
      return [one]
    })
    if (found.length === 0) return []
    return this.#parts.enforce(found)
  }

  /** Hands on how bad an address is known to be; answers what a rule in force did not know. */
  reputed(address: Ip, score: number): readonly NamedAddress[] {
    if (this.#parts.isSpared(address)) return []
    const until = this.now() + REPUTATION_LASTS_MS
    const found = namesOfScore(score).map((name) => ({ name, address, until }))
    if (found.length === 0) return found
    // A better one does not take it back: the kernel holds it until its time is over.
    const before = this.#reputations.get(address) ?? []
    this.#reputations.set(address, new Map([...before, ...found.map(({ name }) => [name, until] as const)]))
    return this.#parts.enforce(found)
  }

  /** All names that lead there now. */
  namesOf(address: Ip): readonly string[] {
    const now = this.now()
    const names = this.#byAddress.get(address) ?? new Map<string, number>()
    const all = [...names, ...(this.#reputations.get(address) ?? [])]
    return all.filter(([, until]) => until > now).map(([name]) => name)
  }

  *entries(): Generator<NamedAddress> {
    const now = this.now()
    for (const known of [this.#byAddress, this.#reputations]) {
      for (const [address, names] of known.entries()) {
        for (const [name, until] of names) if (until > now) yield { name, address, until }
      }
    }
  }

  /** Writes down what rules ask for, now and then. */
  tick(): void {
    if (this.now() - this.#lookedAt >= WRITE_EVERY_MS) this.write()
  }

  /** At the stop. */
  write(): void {
    this.#lookedAt = this.now()
    const asked = [...this.entries()].filter(({ name }) => this.#parts.isAsked(name))
    const text = JSON.stringify(asked.slice(0, MAX_KEPT))
    if (text === this.#written) return
    try {
      writeAtomically(this.#parts.file, text)
      this.#written = text
    } catch {
      // A full disk: they are heard of again as somebody asks again.
    }
  }

  #remember({ name, address, until }: NamedAddress): void {
    const before = this.#byAddress.get(address) ?? new Map<string, number>()
    const names = new Map([...before].filter(([known]) => known !== name))
    names.set(name, Math.max(until, before.get(name) ?? 0))
    const newest = [...names].slice(-NAMES_PER_ADDRESS)
    this.#byAddress.set(address, new Map(newest))
  }
}

/** None where there is no such file, or not a good one: it only saves the wait for the next answers. */
function readKept(file: string): NamedAddress[] {
  try {
    return Kept.parse(JSON.parse(readFileSync(file, 'utf8'))).map((one) => ({
      ...one,
      address: ip(one.address),
    }))
  } catch {
    return []
  }
}
