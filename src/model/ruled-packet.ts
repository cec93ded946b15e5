import type { Ip } from './address.ts'
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

/** A packet that a rule turned away or recorded, or that met no rule and was turned away by default. */
export interface RuledPacket extends PacketSummary {
  /** Counts up from 1 since the start. */
  readonly id: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly direction: RuleDirection
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
  readonly fromInterface?: string
  readonly toInterface?: string
  /** Of the program that sent it from here, or the socket here that it was for. */
  readonly uid?: number
  readonly user?: string
  readonly program?: string
  readonly pid?: number
}
