import { END_REASONS, type EndReason, FLOW_STATES, type FlowState } from '#model/flow.ts'

const stateCode = (state: FlowState): number => FLOW_STATES.indexOf(state)
const reasonCode = (reason: EndReason): number => END_REASONS.indexOf(reason)

/** Codes of FLOW_STATES, as the state column holds them. */
export const SYN_SENT = stateCode('syn-sent')
export const SYN_RECEIVED = stateCode('syn-received')
export const ESTABLISHED = stateCode('established')
export const CLOSING = stateCode('closing')
export const CLOSED = stateCode('closed')
export const RESET = stateCode('reset')
export const OPEN = stateCode('open')
export const ANSWERED_STATE = stateCode('answered')

/** Codes of END_REASONS. */
export const ENDED_FINISHED = reasonCode('finished')
export const ENDED_RESET = reasonCode('reset')
export const ENDED_REFUSED = reasonCode('refused')
export const ENDED_TIMEOUT = reasonCode('timeout')
export const ENDED_EVICTED = reasonCode('evicted')
export const ENDED_SHUTDOWN = reasonCode('shutdown')

/** What a packet did to its flow: bits, because one packet may do several. */
export const EVENT_OPENED = 1
export const EVENT_ANSWERED = 2
export const EVENT_REFUSED = 4
export const EVENT_ABORTED = 8
