import type { NumberSpan } from '#contract/search/search.ts'

/**
 * Bytes and handshake time of a flow in one small number, so that one index finds large and slow flows: bytes by
 * powers of four, 16 times that, and milliseconds by powers of two. 0 is left for flows that have none noted.
 */
const RTT_STEPS = 16
const BYTE_STEPS = 28

export const scaleOf = (bytes: number, handshakeMs: number | undefined): number =>
  1 + byteStep(bytes) * RTT_STEPS + rttStep(handshakeMs)

/** The scales that flows with so many bytes have: first and last, both in. */
export function scalesOfBytes({ from = 0, to = Number.MAX_SAFE_INTEGER }: NumberSpan): [number, number] {
  return [1 + byteStep(from) * RTT_STEPS, byteStep(to) * RTT_STEPS + RTT_STEPS]
}

/** The scales that flows with such a handshake have. */
export function scalesOfRtt({ from = 0, to = Number.MAX_SAFE_INTEGER }: NumberSpan): number[] {
  const scales: number[] = []
  for (let bytes = 0; bytes < BYTE_STEPS; bytes++) {
    for (let rtt = rttStep(from); rtt <= rttStep(to); rtt++) scales.push(1 + bytes * RTT_STEPS + rtt)
  }
  return scales
}

const byteStep = (bytes: number): number =>
  Math.min(BYTE_STEPS - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 2))

/** 0: no handshake was seen. */
const rttStep = (handshakeMs: number | undefined): number =>
  handshakeMs === undefined
    ? 0
    : Math.min(RTT_STEPS - 1, 1 + Math.floor(Math.log2(Math.max(1, handshakeMs + 1))))
