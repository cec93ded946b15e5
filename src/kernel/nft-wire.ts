/** Numbers of the nf_tables netlink interface (linux/netfilter/nfnetlink.h, nf_tables.h). */
const NFNL_SUBSYS_NFTABLES = 10
const message = (type: number): number => (NFNL_SUBSYS_NFTABLES << 8) | type

export const NFT_MESSAGE = {
  newTable: message(0),
  getTable: message(1),
  deleteTable: message(2),
  newChain: message(3),
  getChain: message(4),
  newRule: message(6),
  getRule: message(7),
  deleteRule: message(8),
  newSet: message(9),
  getSet: message(10),
  deleteSet: message(11),
  newElement: message(12),
  getElement: message(13),
  deleteElement: message(14),
  getGeneration: message(16),
  newObject: message(18),
  getObject: message(19),
} as const

export const BATCH = { begin: 0x10, end: 0x11 } as const

const NFPROTO_INET = 1
/** struct nfgenmsg: family, version, resource id (big-endian). */
export const INET_HEADER = Uint8Array.of(NFPROTO_INET, 0, 0, 0)
export const BATCH_HEADER = Uint8Array.of(0, 0, 0, NFNL_SUBSYS_NFTABLES)

export const TABLE = { name: 1, flags: 2, handle: 4 } as const
export const CHAIN = { table: 1, handle: 2, name: 3, hook: 4, policy: 5, type: 7 } as const
export const HOOK = { number: 1, priority: 2 } as const
export const RULE = { table: 1, chain: 2, handle: 3, expressions: 4, userdata: 7 } as const
export const SET = {
  table: 1,
  name: 2,
  flags: 3,
  keyType: 4,
  keyBytes: 5,
  dataType: 6,
  description: 9,
  id: 10,
  timeout: 11,
  handle: 16,
  expression: 17,
} as const
export const OBJECT = { table: 1, name: 2, type: 3, data: 4 } as const
/** NFT_DATA_VERDICT: what a map holds that says where to go. */
export const DATA_TYPE_VERDICT = 0xffff_ff00
export const SET_FLAG = { interval: 0x4, map: 0x8, timeout: 0x10, dynamic: 0x20 } as const
export const ELEMENT_LIST = { table: 1, set: 2, elements: 3 } as const
export const ELEMENT = {
  key: 1,
  data: 2,
  flags: 3,
  timeout: 4,
  expiration: 5,
  userdata: 6,
  expression: 7,
  /** Newer kernels list the counter here. */
  expressions: 11,
} as const
export const ELEMENT_INTERVAL_END = 1
export const DATA_VALUE = 1
export const DATA_VERDICT = 2
export const VERDICT_CODE = 1
export const LIST_ITEM = 1
export const EXPRESSION = { name: 1, data: 2 } as const
export const COUNTER = { bytes: 1, packets: 2 } as const
export const GENERATION = { id: 1 } as const

/** nft keeps an element's comment as type 0 of its own list in the user data (libnftnl udata.h). */
export const USERDATA_COMMENT = 0

/** `value` as 32 bits in network order. */
export const uint32Bytes = (value: number): Uint8Array =>
  Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)

/** Data types by nft's own numbers, for those who list a table with `nft` (libnftables datatype.h). */
export const DATA_TYPE = { address4: 7, address6: 8, byte: 12, port: 13, mark: 19, time: 43 } as const
const DATA_TYPE_BITS = 6

/** The type of a key of several parts. */
export const joinedType = (...parts: readonly number[]): number =>
  parts.reduce((joined, part) => (joined << DATA_TYPE_BITS) | part)

/** A number as the kernel itself holds it. */
export const hostBytes = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)
