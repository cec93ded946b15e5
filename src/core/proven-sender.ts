import type { Connection } from '#model/flow.ts'

const MADE: readonly Connection['state'][] = ['established', 'closing', 'closed']

/**
 * Whether the peer is really there. Whom this machine calls is; who calls may be anybody until he made a handshake: an open
 * port answers a forged SYN, a closed one refuses it, and a UDP service answers a forged question.
 */
export const isProvenSender = ({ direction, state }: Pick<Connection, 'direction' | 'state'>): boolean =>
  direction !== 'inbound' || MADE.includes(state)
