import type { LogHook } from '#kernel/nflog.ts'
import { RecentMap } from '#lib/recent-map.ts'
import type { Ip } from '#model/address.ts'
import type { Block } from '#model/block.ts'
import type { ByBlock, PacketSummary, TurnedAwayPrefix } from '#model/ruled-packet.ts'
import type { Gate } from './gate.ts'

/** Blocks that were over before the last of their packets were read. */
const REMEMBERED = 1_024

/** Which block turned a packet away: the kernel says no more than that it was one. */
export class PacketBlocks {
  readonly #gate: Pick<Gate, 'blockOf' | 'shutOutBy' | 'lists'>
  readonly #lately = new RecentMap<Ip, Block>(REMEMBERED)

  constructor(gate: Pick<Gate, 'blockOf' | 'shutOutBy' | 'lists'>) {
    this.#gate = gate
  }

  /** Undefined where the prefix tells of no block. */
  blockBehind(
    prefix: string,
    hook: LogHook,
    { source, target }: Pick<PacketSummary, 'source' | 'target'>,
  ): ByBlock | undefined {
    if (!isPrefix(prefix)) return undefined
    const ends = ENDS[hook].map((end) => (end === 'source' ? source : target))
    for (const find of this.#ways(prefix)) {
      for (const address of ends) {
        const block = find(address)
        if (block) return this.#told(address, block)
      }
    }
    const [address = source] = ends
    const block = {
      target: address,
      actor: 'nobody known',
      reason: 'a block that is over, or not of Gatehouse',
    }
    return { outcome: 'block', block, isBeyondLimit: false }
  }

  /** From the surest on. As in the kernel: who is shut out at either end, then who sends beyond a limit. */
  #ways(prefix: TurnedAwayPrefix): readonly ((address: Ip) => Block | undefined)[] {
    const before = (address: Ip): Block | undefined => this.#lately.get(address)
    if (prefix === 'list:') return [(address) => this.#gate.lists?.blockOf(address), before]
    return [(address) => this.#gate.shutOutBy(address), (address) => this.#gate.blockOf(address), before]
  }

  #told(address: Ip, block: Block): ByBlock {
    this.#lately.set(address, block)
    const { target, actor, reason, effect, decisionId: id } = block
    return {
      outcome: effect ?? 'block',
      block: { id, target, actor, reason },
      isBeyondLimit: effect === 'limit',
    }
  }
}

/** Whose address a block can be about: whom packets come from, or go to. */
const ENDS = {
  inbound: ['source'],
  outbound: ['target'],
  forward: ['source', 'target'],
} as const satisfies Record<LogHook, readonly ('source' | 'target')[]>

const isPrefix = (prefix: string): prefix is TurnedAwayPrefix => prefix === 'block:' || prefix === 'list:'
