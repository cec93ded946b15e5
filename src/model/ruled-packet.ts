import type { Ip, Target } from './address.ts'
import type { RuleDirection } from './rule.ts'

/** What the headers of one packet say. Ports, TCP, ICMP only where they are there and whole. */
export interface PacketSummary {
  readonly source: Ip
  readonly target: Ip
  readonly protocol: number
  /** Bytes with the IP header, as that header promises. */
  readonly length: number
  /** Hop limit or TTL. */
  readonly ttl: number
  /** Type of service, or traffic class. */
  readonly tos: number
  readonly sourcePort?: number
  readonly targetPort?: number
  readonly tcp?: {
    readonly flags: number
    readonly sequence: number
    readonly acknowledgement: number
    readonly window: number
  }
  readonly icmp?: { readonly type: number; readonly code: number }
}

/** What the kernel says with a packet: that a block dropped it, or a threat list. Ids of rules have no colon at their end. */
export type TurnedAwayPrefix = 'block:' | 'list:'

/** A rule, or none and so a default. */
export interface ByRule {
  /** `audit`: only recorded, it went on. */
  readonly outcome: 'deny' | 'reject' | 'audit'
  readonly rule: {
    /** 0: the default of the direction. */
    readonly number: number
    readonly id: string
    readonly comment?: string
  }
  /** The rule is a limit, and the packet was beyond it. */
  readonly isBeyondLimit: boolean
}

/** A block, of one address or of a whole list. */
export interface ByBlock {
  /** `limit`: few packets a second pass, and this was beyond. */
  readonly outcome: 'block' | 'limit'
  readonly block: {
    /** Of the decision; absent: the kernel has it, and Gatehouse not, or not any more. */
    readonly id?: number
    readonly target: Target
    /** Detector, list, or person. */
    readonly actor: string
    readonly reason: string
  }
  readonly isBeyondLimit: boolean
}

/** A packet that was turned away, or only recorded, and by what. */
export type RuledPacket = PacketSummary & (ByRule | ByBlock) & PacketPlace

interface PacketPlace {
  /** Counts up from 1 since the start. */
  readonly id: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly direction: RuleDirection
  readonly fromInterface?: string
  readonly toInterface?: string
  /** Of the program that sent it from here, or the socket here that it was for. */
  readonly uid?: number
  readonly user?: string
  readonly program?: string
  readonly pid?: number
}
