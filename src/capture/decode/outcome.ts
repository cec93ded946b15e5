/** What became of a frame. Zero and up are final; a layer answers NEXT or TUNNEL when another layer follows. */
export const NEXT = -1
export const TUNNEL = -2
export const PACKET = 0
export const ARP = 1
/** A fragment that is kept until the others come. */
export const HELD = 2
/** From here on: index into UNDECODABLE. */
export const FIRST_UNDECODABLE = 3
export const CUT_OFF = 3
export const MALFORMED = 4
export const NOT_IP = 5
export const UNKNOWN_LINK = 6
export const TOO_DEEP = 7
export const BAD_FRAGMENT = 8

/** Why a frame was not decoded, in the order of the outcomes from FIRST_UNDECODABLE on. */
export const UNDECODABLE = [
  'cutOff',
  'malformed',
  'notIp',
  'unknownLinkType',
  'tunnelsTooDeep',
  'badFragment',
] as const

export type Undecodable = (typeof UNDECODABLE)[number]
