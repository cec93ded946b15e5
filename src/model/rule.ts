import type { Ip } from './address.ts'
import type { DomainPattern } from './domain.ts'
import type { OwnerSource } from './owner.ts'
import type { ProgramFacts, ProgramQuestion } from './program-question.ts'

export const RULE_DIRECTIONS = ['inbound', 'outbound', 'forward'] as const

/** As this machine sees a packet: to it, from it, or through it. */
export type RuleDirection = (typeof RULE_DIRECTIONS)[number]

/** What becomes of a packet that no rule decides. */
export type RulePolicy = 'allow' | 'deny' | 'reject'

export type IpFamily = 4 | 6

/** Pairs of first and last, both included; sorted, and no two share or touch each other. */
export interface AddressSpans {
  /** As unsigned 32-bit numbers. */
  readonly v4: Uint32Array
  /** As 128-bit numbers. */
  readonly v6: readonly bigint[]
}

export interface PortSpan {
  readonly first: number
  readonly last: number
}

export const CONNECTION_STATES = ['new', 'established', 'related', 'invalid', 'untracked'] as const

/** As connection tracking sees a packet. */
export type ConnectionState = (typeof CONNECTION_STATES)[number]

/** `peer`: who sends what is inbound, else whom a packet is for. */
export type RuleEnd = 'source' | 'target' | 'peer'

/**
 * One thing that a rule asks of a packet. `not` turns it round, but never lets in packets that lack the thing itself:
 * `not port 22` still means a packet that has ports.
 */
export type Condition = { readonly not: boolean; readonly text: string } & (
  | { readonly kind: 'protocol'; readonly protocols: readonly number[] }
  | {
      readonly kind: 'source' | 'target'
      readonly spans: AddressSpans
      /** Names of the lists that it was written with. */
      readonly lists: readonly string[]
    }
  | {
      readonly kind: 'country' | 'asn'
      readonly end: RuleEnd
      readonly spans: AddressSpans
      /** All that have a country (a network) at all: other addresses meet it neither way. */
      readonly known: AddressSpans
    }
  /** Of the name that somebody asked DNS for. An address that nobody is known to have asked for is of no domain. */
  | { readonly kind: 'domain'; readonly end: RuleEnd; readonly domains: readonly DomainPattern[] }
  | { readonly kind: 'sourcePort' | 'targetPort'; readonly spans: readonly PortSpan[] }
  | {
      readonly kind: 'icmpType'
      readonly types: readonly { readonly protocol: number; readonly type: number }[]
    }
  /** `interface` is where a packet arrives, or leaves when it is outbound. A name may end in `*`. */
  | { readonly kind: 'interface' | 'toInterface'; readonly names: readonly string[] }
  | { readonly kind: 'state'; readonly states: readonly ConnectionState[] }
  /** Of the program that sends: outbound only. */
  | { readonly kind: 'user'; readonly uids: readonly number[] }
  /** Only in rules of our own: a neighbour's packet that no router passed on (RFC 4861 §7.1). */
  | { readonly kind: 'hopLimit'; readonly hopLimit: number }
  /** Of the program at our end: who sends what is outbound, who listens to what is inbound. */
  | ProgramQuestion
  /** How the program at our end must be known, beside conditions that ask which it is. */
  | { readonly kind: 'owner'; readonly sources: readonly OwnerSource[] }
  /** How sure that must be, 0 to 1. */
  | { readonly kind: 'confidence'; readonly atLeast: number }
)

export type ConditionKind = Condition['kind']

/** What is beyond a limit is dropped or rejected. `per` source: each sender has a limit of its own. */
export type RuleLimit = {
  readonly per: 'source' | 'rule'
  readonly beyond: 'deny' | 'reject'
} & (
  | {
      readonly kind: 'rate'
      readonly packets: number
      readonly perSeconds: number
      readonly burst: number
    }
  | { readonly kind: 'connections'; readonly connections: number }
)

/** `audit` only counts and records; the packet goes on to the next rule. `would` is what the rule is on trial for. */
export type RuleAction =
  | { readonly kind: 'allow' | 'deny' | 'reject' }
  | { readonly kind: 'limit'; readonly limit: RuleLimit }
  | { readonly kind: 'audit'; readonly would?: 'allow' | 'deny' | 'reject' | 'limit' }

/** In the local time of the machine. A `to` at or before `from` is of the day after. */
export interface RuleSchedule {
  /** 0 is Sunday. */
  readonly days: readonly number[]
  /** Minutes since midnight. */
  readonly from: number
  readonly to: number
  readonly text: string
}

/** One rule. Numbers count from 1 in the order of the file; 0 for those that Gatehouse brings along. */
export interface Rule {
  readonly number: number
  readonly id: string
  readonly enabled: boolean
  readonly directions: readonly RuleDirection[]
  readonly conditions: readonly Condition[]
  readonly action: RuleAction
  /** Milliseconds since the epoch: from then on the rule means nothing. */
  readonly expiresAt?: number
  readonly schedule?: RuleSchedule
  readonly comment?: string
  readonly tags: readonly string[]
}

export type NamedList = { readonly name: string } & (
  | { readonly holds: 'addresses'; readonly spans: AddressSpans; readonly count: number }
  | { readonly holds: 'ports'; readonly spans: readonly PortSpan[]; readonly count: number }
)

/** A rules file as it is understood: first match wins. */
export interface RuleBook {
  readonly defaults: Readonly<Record<RuleDirection, RulePolicy>>
  /** `accept`: packets of connections that were let in once pass before all rules. */
  readonly established: 'accept' | 'judge'
  /** `accept`: loopback, neighbour discovery and DHCP pass before all rules. */
  readonly essentials: 'accept' | 'judge'
  readonly lists: readonly NamedList[]
  readonly rules: readonly Rule[]
}

/** What is known about a packet when it is judged. Ports only of protocols that have them. */
export interface PacketFacts {
  readonly direction: RuleDirection
  readonly protocol: number
  readonly source: Ip
  readonly target: Ip
  readonly sourcePort?: number
  readonly targetPort?: number
  readonly icmpType?: number
  readonly hopLimit?: number
  /** Where it arrives; absent on its way out. */
  readonly fromInterface?: string
  /** Where it leaves; absent on its way in. */
  readonly toInterface?: string
  readonly state: ConnectionState
  /** Of the sending program, outbound. */
  readonly uid?: number
  /** At our end: absent where it is not known, or there is none. */
  readonly program?: ProgramFacts | undefined
  /** Names that DNS is known to have answered with this address. */
  readonly sourceNames?: readonly string[]
  readonly targetNames?: readonly string[]
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** What is wrong, or only doubtful, in a rules file. */
export interface RuleProblem {
  readonly severity: 'error' | 'warning'
  /** The file, or where else the text came from. */
  readonly origin: string
  /** From 1; absent for the file as a whole. */
  readonly line?: number | undefined
  readonly column?: number | undefined
  /** Such as `rules[2].port`. */
  readonly where?: string | undefined
  readonly message: string
  readonly hint: string
}
