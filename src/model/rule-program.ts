import type { DomainPattern } from './domain.ts'
import type { ProgramQuestion } from './program-question.ts'
import type { AddressSpans, IpFamily, RuleDirection } from './rule.ts'

/** A set that rules of a program look things up in. Pairs of first and last, sorted, both included. */
export type ProgramSet = { readonly name: string } /** `isSingles`: each span is one address. */ & (
  | { readonly holds: 'address4'; readonly spans: AddressSpans['v4']; readonly isSingles?: boolean }
  | { readonly holds: 'address6'; readonly spans: AddressSpans['v6']; readonly isSingles?: boolean }
  /** 16 bits each. */
  | { readonly holds: 'port'; readonly spans: readonly number[] }
  /** 8 bits each: protocols, types of ICMP. */
  | { readonly holds: 'byte'; readonly spans: readonly number[] }
  /** Classes of programs, as the mask leaves them of a mark; see `ClassSet`. */
  | { readonly holds: 'mark'; readonly spans: readonly number[] }
  /** Nanoseconds since the epoch. */
  | { readonly holds: 'time'; readonly spans: readonly bigint[] }
)

/** A set that is filled while the program runs: with the addresses that are known by one of these names. */
export interface NamedSet {
  readonly name: string
  readonly family: IpFamily
  readonly domains: readonly DomainPattern[]
}

/** A set that is filled while the program runs: with the classes of the programs of which the question is (not) true. */
export interface ClassSet {
  readonly name: string
  readonly question: ProgramQuestion
  readonly isTrue: boolean
}

/** What a number of a packet is held against. `not` turns it round. */
export type ProgramTest<Value extends number | bigint> = { readonly not: boolean } & (
  | { readonly is: 'within'; readonly first: Value; readonly last: Value }
  | { readonly is: 'in'; readonly set: string }
)

/** One thing that the kernel compares; all of a rule's must hold. A packet that lacks it does not match. */
export type ProgramStep =
  | { readonly on: 'family'; readonly family: IpFamily }
  | { readonly on: 'protocol'; readonly test: ProgramTest<number> }
  | { readonly on: 'source4' | 'target4'; readonly test: ProgramTest<number> }
  | { readonly on: 'source6' | 'target6'; readonly test: ProgramTest<bigint> }
  | { readonly on: 'sourcePort' | 'targetPort'; readonly test: ProgramTest<number> }
  | { readonly on: 'icmpType'; readonly test: ProgramTest<number> }
  | { readonly on: 'hopLimit6'; readonly test: ProgramTest<number> }
  | { readonly on: 'user'; readonly not: boolean; readonly uid: number }
  /** A name that ends in `*` stands for all that begin so. */
  | { readonly on: 'fromInterface' | 'toInterface'; readonly not: boolean; readonly name: string }
  /** True when any of the bits is set; see CONNECTION_BITS. */
  | { readonly on: 'state'; readonly not: boolean; readonly bits: number }
  /** Of who sends by the packet itself, of who receives by the socket that waits for it. */
  | { readonly on: 'sender' | 'receiver'; readonly set: string }
  | { readonly on: 'time'; readonly test: ProgramTest<bigint> }

/** NF_CT_STATE_BIT of linux/netfilter/nf_conntrack_common.h. */
export const CONNECTION_BITS = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 } as const

export type ProgramLimit =
  | { readonly kind: 'rate'; readonly packets: number; readonly perSeconds: number; readonly burst: number }
  | { readonly kind: 'connections'; readonly connections: number }

/** Leads packets to branches by one of their numbers. */
export interface ProgramMap {
  readonly name: string
  readonly on: 'source4' | 'source6' | 'target4' | 'target6' | 'sourcePort' | 'targetPort'
  /** All spans are whole multiples of 2^shift numbers, so that it can be hashed; absent: it has to be searched. */
  readonly shift?: number
  /** Spans as those of sets; no two ways share a number. */
  readonly ways: readonly { readonly branch: string; readonly spans: readonly (number | bigint)[] }[]
}

/**
 * `map`: to the branch that it leads to by the number of the packet, and back here if nothing there decides, or if it
 * leads nowhere.
 */
export type ProgramVerdict =
  | 'accept'
  | 'drop'
  | 'reject'
  | 'continue'
  | { readonly map: string; readonly on: ProgramMap['on']; readonly shift?: number }

/**
 * One row of a chain: if all steps hold (and what is beyond the limit, where it has one), it counts and decides.
 * Several rows may bear the id of one rule; a packet meets one of them.
 */
export interface ProgramRow {
  /** Of the rule; empty for rows that only lead to others. */
  readonly id: string
  readonly steps: readonly ProgramStep[]
  /** Only packets beyond it go on; `meter`: the set in which each source has its own. */
  readonly beyond?: ProgramLimit & { readonly meter?: { readonly set: string; readonly family: IpFamily } }
  readonly verdict: ProgramVerdict
}

/** A rule book as a packet filter can run it. */
export interface RuleProgram {
  readonly sets: readonly ProgramSet[]
  readonly named?: readonly NamedSet[]
  readonly classes?: readonly ClassSet[]
  /** Bits of a mark that are the class; with sets that hold marks. */
  readonly markMask?: number
  /** Sets that packets fill by themselves, one source each. */
  readonly meters: readonly {
    readonly name: string
    readonly family: IpFamily
    readonly lastsSeconds?: number
  }[]
  readonly maps?: readonly ProgramMap[]
  /** Chains that maps lead to. */
  readonly branches: readonly { readonly name: string; readonly rows: readonly ProgramRow[] }[]
  /** The last row of each chain is the default. */
  readonly chains: Readonly<Record<RuleDirection, readonly ProgramRow[]>>
  /** When schedules have to be compiled anew: milliseconds since the epoch; absent: never. */
  readonly freshUntil?: number
}

/** Rows with this in front of the rule's id count what a limit turned away. */
export const BEYOND_PREFIX = 'beyond:'
