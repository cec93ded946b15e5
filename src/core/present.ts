import type { Connection as ShownConnection } from '#contract/schemas.ts'
import type { Ip } from '#model/address.ts'
import type { Block } from '#model/block.ts'
import type { Connection } from '#model/flow.ts'
import { protocolName } from '#model/packet.ts'

/** A connection as the contract shows it. Rates are absent for what is over. */
export function shownConnection(
  connection: Connection & { readonly rateForward?: number; readonly rateBackward?: number },
  blockOf: (peer: Ip) => Block | undefined,
): ShownConnection {
  const block = blockOf(connection.peer)
  const { owner, ended, handshakeMs, protocol, tcpFlagsForward, tcpFlagsBackward, ...rest } = connection
  return {
    ...rest,
    protocol: protocolName(protocol),
    rateForward: Math.round(connection.rateForward ?? 0),
    rateBackward: Math.round(connection.rateBackward ?? 0),
    ...(handshakeMs === undefined ? {} : { handshakeMs }),
    ...(ended === undefined ? {} : { ended }),
    ...(owner === undefined ? {} : { owner }),
    verdict: verdictOf(block),
    verdictBecause: block
      ? `${block.actor} ${block.effect === 'limit' ? 'limited' : 'blocked'} ${block.target}: ${block.reason}`
      : 'No block names this address.',
  }
}

/** A limit lets most through. */
export const verdictOf = (block: Block | undefined): 'blocked' | 'allowed' =>
  block && block.effect === undefined ? 'blocked' : 'allowed'

/** 600 → "10 min": a duration as the page and the log say it. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`
  if (seconds < 129_600) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} days`
}
