import { type PacketLog, VERDICT } from './nft-expressions.ts'
import type { TableScript } from './nft-rules.ts'

/** A sample of the packets that end in a chain goes to NFLOG; the counter, one that others may read, has the rest. */
export interface HandedOver extends PacketLog {
  readonly perSecond: number
  readonly counter: string
}

/**
 * Rows of a chain whose packets are all dropped: `limit rate N/second log group G drop`, and `counter drop` for what is
 * beyond. A bound that is reached changes no verdict. Only dropped packets come here: those that pass pay nothing.
 */
export function writeTurnedAway(script: TableScript, chain: string, handed: HandedOver | undefined): void {
  if (!handed) {
    script.rule(chain, '', (rule) => rule.verdict(VERDICT.drop))
    return
  }
  const { perSecond: packets, counter } = handed
  script.sharedCounter(counter)
  script.rule(chain, '', (rule) =>
    rule
      .withinRate({ packets, perSeconds: 1, burst: packets * 2 })
      .log(handed)
      .verdict(VERDICT.drop),
  )
  script.rule(chain, '', (rule) => rule.share({ kind: 'counter', name: counter }).verdict(VERDICT.drop))
}
