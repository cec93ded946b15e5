import { COMPARE, META, PAYLOAD, type RuleExpressions, VERDICT } from '#kernel/nft-expressions.ts'
import { DATA_TYPE, hostBytes, joinedType } from '#kernel/nft-wire.ts'
import type { Ip } from '#model/address.ts'
import { bytesOfAddress } from './segments.ts'

/** Where the blocks are (layout.ts). */
export const BLOCKS = -160
export const TCP = 6
export const UDP = 17
const LOOPBACK_INDEX = 1
/** In the kernel's bits (NF_CT_STATE_BIT): established and related. */
const ESTABLISHED_OR_RELATED = 2 | 4

/** Where a header has its addresses (RFC 791 §3.1, RFC 8200 §3), and what the family is called in NFPROTO. */
export const FIELD = {
  4: {
    family: 2,
    source: { base: PAYLOAD.network, offset: 12, bytes: 4 },
    target: { base: PAYLOAD.network, offset: 16, bytes: 4 },
    type: DATA_TYPE.address4,
    bytes: 4,
  },
  6: {
    family: 10,
    source: { base: PAYLOAD.network, offset: 8, bytes: 16 },
    target: { base: PAYLOAD.network, offset: 24, bytes: 16 },
    type: DATA_TYPE.address6,
    bytes: 16,
  },
} as const
const SOURCE_PORT = { base: PAYLOAD.transport, offset: 0, bytes: 2 }
export const TARGET_PORT = { base: PAYLOAD.transport, offset: 2, bytes: 2 }
/** Registers of 4 bytes (NFT_REG32_00 and on): where the second part of a key goes. */
export const SECOND_PART = { 4: 9, 6: 12 } as const

/** The keys of a set of addresses with a port each. */
export const pairKeys = (version: 4 | 6) => ({
  type: joinedType(FIELD[version].type, DATA_TYPE.port),
  keyBytes: FIELD[version].bytes + 4,
})

/** Address, port, padding. */
export const pairKey = (address: Ip, port: number): Uint8Array =>
  Uint8Array.of(...bytesOfAddress(address), ...portBytes(port), 0, 0)

export const portBytes = (port: number): Uint8Array => Uint8Array.of(port >> 8, port & 255)

/** Not by loopback: that is where the proxy's own SYN to the server comes from. */
export const fromOutside = (rule: RuleExpressions, protocol: number): RuleExpressions =>
  rule
    .meta(META.inputLink)
    .compare(COMPARE.different, hostBytes(LOOPBACK_INDEX))
    .meta(META.protocol)
    .compare(COMPARE.equal, Uint8Array.of(protocol))

export const ofFamily = (rule: RuleExpressions, version: 4 | 6): RuleExpressions =>
  rule.meta(META.family).compare(COMPARE.equal, Uint8Array.of(FIELD[version].family))

/** Accepts what belongs to a connection that connection tracking knows. */
export const acceptKnown = (rule: RuleExpressions): RuleExpressions =>
  rule
    .connectionState()
    .maskBytes(hostBytes(ESTABLISHED_OR_RELATED))
    .compare(COMPARE.different, new Uint8Array(4))
    .verdict(VERDICT.accept)

/** Accepts what comes from an address and port of a set of pairs. */
export const acceptFrom = (rule: RuleExpressions, version: 4 | 6, set: string): RuleExpressions =>
  ofFamily(rule, version)
    .payload(FIELD[version].source)
    .payload(SOURCE_PORT, SECOND_PART[version])
    .lookUp(set)
    .verdict(VERDICT.accept)
