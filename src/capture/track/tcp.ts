/** Hot: runs per packet. Allocates nothing. */
import { type Packet, TCP } from '#model/packet.ts'
import { ANSWERED, REFUSED, SEQUENCE_KNOWN } from './flow-columns.ts'
import type { FlowTable } from './flow-table.ts'
import {
  CLOSED,
  CLOSING,
  ESTABLISHED,
  EVENT_ABORTED,
  EVENT_ANSWERED,
  EVENT_REFUSED,
  OPEN,
  RESET,
  SYN_RECEIVED,
  SYN_SENT,
} from './states.ts'

const SYN_FIN_RST = TCP.syn | TCP.fin | TCP.rst
const SYN_ACK = TCP.syn | TCP.ack

/**
 * How far from the expected number an acknowledgement or a reset may lie and still count: one that was made up
 * without seeing the flow hits this by a chance of 1 in 2,000.
 */
const PLAUSIBLE = 1 << 20
/** A segment this far ahead is not of this connection. */
const FARTHEST_AHEAD = 1 << 30

/** The state in which a flow starts. A first-seen SYN-ACK is the responder's: the caller has turned the flow round. */
export function firstState(flags: number): number {
  if ((flags & TCP.rst) !== 0) return RESET
  if ((flags & SYN_ACK) === TCP.syn) return SYN_SENT
  return (flags & SYN_ACK) === SYN_ACK ? SYN_RECEIVED : OPEN
}

/** True when this packet begins a new connection on a tuple whose old one is over (RFC 9293 §3.6.1, TIME-WAIT). */
export const opensAnew = (flows: FlowTable, flow: number, packet: Packet): boolean => {
  if ((packet.tcpFlags & (SYN_ACK | TCP.rst)) !== TCP.syn) return false
  const state = flows.state(flow)
  if (state === CLOSED || state === RESET) return true
  // The last ACK was not seen.
  return state === CLOSING && (flows.flagsForward(flow) & flows.flagsBackward(flow) & TCP.fin) !== 0
}

/** Moves the flow on by one packet, which is counted already. Answers EVENT_… bits. */
export function followTcp(flows: FlowTable, flow: number, packet: Packet): number {
  const backward = packet.forward ^ 1
  const state = flows.state(flow)
  if (state === ESTABLISHED && (packet.tcpFlags & SYN_FIN_RST) === 0) {
    followSequence(flows, flow, packet, backward)
    return 0
  }
  const events = step(flows, flow, packet, state)
  if ((packet.tcpFlags & TCP.rst) === 0) followSequence(flows, flow, packet, backward)
  return events
}

function step(flows: FlowTable, flow: number, packet: Packet, state: number): number {
  const flags = packet.tcpFlags
  if ((flags & TCP.rst) !== 0) return reset(flows, flow, packet, state)
  if ((flags & TCP.syn) !== 0) return synchronize(flows, flow, packet, state)
  if (state === OPEN) return answerOpen(flows, flow, packet)
  if (state === SYN_SENT || state === SYN_RECEIVED) return complete(flows, flow, packet, state)
  close(flows, flow, packet, state)
  return 0
}

/** SYN or SYN-ACK on a known flow. On an established one it changes nothing (RFC 9293: challenge ACK). */
function synchronize(flows: FlowTable, flow: number, packet: Packet, state: number): number {
  const isAnswer = (packet.tcpFlags & TCP.ack) !== 0
  if (!isAnswer && packet.forward === 1 && (state === SYN_SENT || state === OPEN)) {
    if (Number.isNaN(flows.synAt(flow))) flows.setSynAt(flow, packet.at)
    if (state === OPEN) flows.setState(flow, SYN_SENT)
  } else if (isAnswer && packet.forward === 0 && state === SYN_SENT) {
    if (acknowledges(flows, flow, packet)) flows.setState(flow, SYN_RECEIVED)
  }
  return 0
}

/** The ACK that completes a handshake, or data that proves one of which we missed a part. */
function complete(flows: FlowTable, flow: number, packet: Packet, state: number): number {
  if ((packet.tcpFlags & TCP.ack) === 0 || !acknowledges(flows, flow, packet)) return 0
  if (state === SYN_RECEIVED && packet.forward === 1) {
    flows.setHandshakeMs(flow, packet.at - flows.synAt(flow))
  } else if (packet.forward === 1 || packet.payloadLength === 0) {
    return 0
  }
  flows.setState(flow, (packet.tcpFlags & TCP.fin) !== 0 ? CLOSING : ESTABLISHED)
  return answer(flows, flow)
}

/** Picked up in the middle: established once the other side spoke too. */
function answerOpen(flows: FlowTable, flow: number, packet: Packet): number {
  if (packet.forward === 1) return 0
  flows.setState(flow, (packet.tcpFlags & TCP.fin) !== 0 ? CLOSING : ESTABLISHED)
  return answer(flows, flow)
}

function answer(flows: FlowTable, flow: number): number {
  if (flows.isMarked(flow, ANSWERED)) return 0
  flows.mark(flow, ANSWERED)
  return EVENT_ANSWERED
}

function close(flows: FlowTable, flow: number, packet: Packet, state: number): void {
  if (state === ESTABLISHED) {
    if ((packet.tcpFlags & TCP.fin) !== 0) flows.setState(flow, CLOSING)
    return
  }
  if (state !== CLOSING || (packet.tcpFlags & (TCP.ack | TCP.fin)) !== TCP.ack) return
  const both = flows.flagsForward(flow) & flows.flagsBackward(flow)
  if ((both & TCP.fin) !== 0) flows.setState(flow, CLOSED)
}

/**
 * A reset ends a flow. From the responder, before anything was established, it says no; from the originator that
 * was answered, it breaks off (RFC 9293 §3.5.2): also a host in whose name somebody else sent the SYN does that.
 */
function reset(flows: FlowTable, flow: number, packet: Packet, state: number): number {
  if (state === CLOSED || state === RESET) return 0
  if ((state === ESTABLISHED || state === CLOSING) && !isPlausibleReset(flows, flow, packet)) return 0
  flows.setState(flow, RESET)
  if (packet.forward === 1)
    return state === SYN_RECEIVED && !Number.isNaN(flows.synAt(flow)) ? EVENT_ABORTED : 0
  if (state !== SYN_SENT && state !== OPEN) return 0
  if (flows.isMarked(flow, REFUSED)) return 0
  flows.mark(flow, REFUSED)
  return EVENT_REFUSED
}

function isPlausibleReset(flows: FlowTable, flow: number, packet: Packet): boolean {
  const backward = packet.forward ^ 1
  if (!flows.isMarked(flow, SEQUENCE_KNOWN << backward)) return true
  return Math.abs((packet.tcpSequence - flows.nextSequence(flow, backward)) | 0) <= PLAUSIBLE
}

/** True when the packet acknowledges what the other side sent last, as one can only who saw it. */
function acknowledges(flows: FlowTable, flow: number, packet: Packet): boolean {
  if (!flows.isMarked(flow, SEQUENCE_KNOWN << packet.forward)) return true
  return Math.abs((packet.tcpAcknowledgement - flows.nextSequence(flow, packet.forward)) | 0) <= PLAUSIBLE
}

/**
 * Follows the sender's sequence numbers. What lies wholly before the next expected number was sent before: a
 * retransmit, reordering included. A keep-alive repeats at most the one byte before it (RFC 9293 §3.8.4).
 */
function followSequence(flows: FlowTable, flow: number, packet: Packet, backward: number): void {
  const flags = packet.tcpFlags
  const phantom = ((flags & TCP.syn) >>> 1) + (flags & TCP.fin)
  const length = packet.payloadLength + phantom
  if (length === 0) return
  const end = (packet.tcpSequence + length) | 0
  if (!flows.isMarked(flow, SEQUENCE_KNOWN << backward)) {
    flows.setNextSequence(flow, backward, end)
    return
  }
  const next = flows.nextSequence(flow, backward)
  const ahead = (end - next) | 0
  if (ahead > 0) {
    if (ahead < FARTHEST_AHEAD) flows.setNextSequence(flow, backward, end)
    return
  }
  const isKeepAlive = phantom === 0 && packet.payloadLength === 1 && ahead === 0
  if (!isKeepAlive && ahead > -FARTHEST_AHEAD) flows.countRetransmit(flow, backward)
}

/** Notes the numbers of a flow's first packet. */
export function startTcp(flows: FlowTable, flow: number, packet: Packet): void {
  if ((packet.tcpFlags & (SYN_ACK | TCP.rst)) === TCP.syn) flows.setSynAt(flow, packet.at)
  if ((packet.tcpFlags & TCP.rst) === 0) followSequence(flows, flow, packet, packet.forward ^ 1)
}
