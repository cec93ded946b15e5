import type { EnforcedBlock, Enforcer } from '#enforce/enforcer.ts'
import { createNftablesEnforcer } from '#enforce/nftables.ts'
import { SocketDestroyer } from '#kernel/sock-destroy.ts'
import type { Target } from '#model/address.ts'
import type { SocketKey } from '#model/owner.ts'
import { answerRequests } from './answer-requests.ts'

/**
 * The real enforcer inside a network namespace, one request per line of input, one answer per line of output:
 * enforcer.ts is the test's side. Runs in its own process because a namespace belongs to a process, and to be killed.
 */
const repairs: string[] = []
const enforcer: Enforcer = createNftablesEnforcer({
  now: () => Date.now(),
  limits: {
    refusals: { perSecond: Number(process.env['REFUSALS_PER_SECOND'] ?? 10), burst: 12 },
    packets: { perSecond: 20, burst: 20 },
    ...(process.env['BLOCK_LOG'] !== 'none' && { log: { group: 71, perSecond: 100, snapBytes: 160 } }),
  },
  onRepair: (what) => repairs.push(`${Date.now()} ${what}`),
})

await answerRequests({
  start: () => enforcer.start(),
  block: (block: EnforcedBlock) => enforcer.block(block, Date.now()),
  blockMany: (blocks: EnforcedBlock[]) => enforcer.blockMany(blocks, Date.now()),
  unblock: (target: Target) => enforcer.unblock(target),
  closeSockets: (target: Target) => enforcer.closeSockets(target),
  closeSocket: (key: SocketKey) => new SocketDestroyer().destroyOne(key),
  counters: async () => {
    await enforcer.verify(Date.now())
    return Object.fromEntries(enforcer.counters())
  },
  /** Adds a block at each turn of the event loop while it verifies; answers how many. */
  verifyAmidBlocks: async (network: string) => {
    let added = 0
    const add = (): void => {
      enforcer.block(
        { target: `${network}.${added >> 8}.${added & 255}` as Target, note: 'amid' },
        Date.now(),
      )
      added++
      turn = setImmediate(add)
    }
    let turn = setImmediate(add)
    await enforcer.verify(Date.now())
    clearImmediate(turn)
    return added
  },
  verify: () => enforcer.verify(Date.now()),
  health: () => enforcer.health,
  repairs: () => repairs,
  stop: (keep: boolean) => enforcer.stop(keep),
})
