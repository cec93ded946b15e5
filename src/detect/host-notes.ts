/** Hot: runs per flow. Allocates nothing. */
import { BitSet } from '#lib/bit-set.ts'
import type { Hosts } from '#model/host.ts'

/** Marks are below 2^28, so that three more bits fit beside one in a positive 32-bit number. */
const MARK_BITS = 28
const GENERATIONS_SHIFT = 8
const THINGS = 0xff

/**
 * Two bytes about each host, in one place because each new flow and each forgotten host reads them.
 *
 * Low byte: how many different things the host tries, roughly. Each thing sets one of eight bits, so a host that
 * does one thing a million times sets one. It keeps ordinary hosts and floods out of the larger tables.
 *
 * High byte: how often its number was given to another host. With it a number becomes a mark, and what is
 * remembered about a host that the table forgot never falls on the next one with its number.
 */
export class HostNotes {
  readonly #notes: Uint16Array
  /** Hosts that something else is remembered about: a table so small that the caches hold it. */
  readonly #held: BitSet
  readonly #numberBits: number
  readonly #generationMask: number

  constructor(hosts: Hosts) {
    this.#notes = new Uint16Array(hosts.capacity)
    this.#held = new BitSet(hosts.capacity)
    this.#numberBits = Math.max(1, 32 - Math.clz32(hosts.capacity - 1))
    this.#generationMask = Math.min(0xff, (1 << (MARK_BITS - this.#numberBits)) - 1)
  }

  /** Notes a thing that a host tries; true from the second on that differs. */
  tries(host: number, thing: number): boolean {
    const after = (this.#notes[host] as number) | bitOf(thing)
    this.#notes[host] = after
    return hasTwoBits(after & THINGS)
  }

  /** How many different things it tries, this one counted in: 1 to 8, roughly. */
  variety(host: number, thing: number): number {
    let bits = ((this.#notes[host] as number) & THINGS) | bitOf(thing)
    let count = 0
    for (; bits !== 0; bits &= bits - 1) count++
    return count
  }

  markOf(host: number): number {
    return (((this.#notes[host] as number) >>> GENERATIONS_SHIFT) << this.#numberBits) | host
  }

  /** The host of a mark; -1 when it was forgotten since. */
  hostOf(mark: number): number {
    const host = mark & ((1 << this.#numberBits) - 1)
    return this.markOf(host) === mark ? host : -1
  }

  /** Says that a larger table is about to remember something under the mark of this host. */
  hold(host: number): void {
    this.#held.add(host)
  }

  /** False when nothing can be remembered under its mark: who asks is spared the larger tables. */
  isHeld(host: number): boolean {
    return this.#held.has(host)
  }

  /** True when it had tried anything. */
  forget(host: number): boolean {
    const note = this.#notes[host] as number
    this.#held.delete(host)
    this.#notes[host] = (((note >>> GENERATIONS_SHIFT) + 1) & this.#generationMask) << GENERATIONS_SHIFT
    return (note & THINGS) !== 0
  }

  /** Forgets what the hosts from `start` to before `end` tried; marks stay. */
  forgetTries(start: number, end: number): void {
    for (let host = start; host < end; host++) this.#notes[host] = (this.#notes[host] as number) & ~THINGS
  }
}

const bitOf = (thing: number): number => 1 << (Math.imul(thing, 0x9e3779b1) >>> 29)

const hasTwoBits = (bits: number): boolean => (bits & (bits - 1)) !== 0
