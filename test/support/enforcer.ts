import type { DropCount, EnforcedBlock } from '#enforce/enforcer.ts'
import type { DestroyOutcome } from '#kernel/sock-destroy.ts'
import type { PartHealth } from '#model/health.ts'
import type { SocketKey } from '#model/owner.ts'
import { startRemote } from './remote.ts'

/** The enforcer of another process: see enforcer-child.ts. */
export interface RemoteEnforcer {
  start(): Promise<EnforcedBlock[]>
  block(target: string, forSeconds?: number, note?: string): Promise<boolean>
  /** Lets few packets of the address through. */
  limit(target: string, forSeconds: number): Promise<boolean>
  blockMany(blocks: readonly { target: string; until?: number; note: string }[]): Promise<boolean>
  unblock(target: string): Promise<boolean>
  closeSockets(target: string): Promise<number>
  closeSocket(key: SocketKey): Promise<DestroyOutcome>
  /** Verifies first, so the figures are of now. */
  counters(): Promise<Record<string, DropCount>>
  verify(): Promise<PartHealth>
  /** Verifies while a block comes at each turn of the event loop; answers how many came. */
  verifyAmidBlocks(network: string): Promise<number>
  health(): Promise<PartHealth>
  repairs(): Promise<string[]>
  stop(keep: boolean): Promise<void>
  /** As a crash would: SIGKILL. Settles when it is dead. */
  kill(): Promise<void>
}

export interface EnforcerOptions {
  /** Goes in front of the command, such as setpriv. */
  readonly wrapper?: readonly string[]
}

/** Runs an enforcer in a namespace. */
export function runEnforcer(namespace: string, options: EnforcerOptions = {}): RemoteEnforcer {
  const { ask, kill } = startRemote(namespace, 'enforcer-child.ts', options.wrapper)
  return {
    start: () => ask('start'),
    block: (target, forSeconds, note = 'test') =>
      ask('block', {
        target,
        note,
        ...(forSeconds !== undefined && { until: Date.now() + forSeconds * 1000 }),
      }),
    limit: (target, forSeconds) =>
      ask('block', { target, note: 'test', effect: 'limit', until: Date.now() + forSeconds * 1000 }),
    blockMany: (blocks) => ask('blockMany', blocks),
    unblock: (target) => ask('unblock', target),
    closeSockets: (target) => ask('closeSockets', target),
    closeSocket: (key) => ask('closeSocket', key),
    counters: () => ask('counters'),
    verify: () => ask('verify'),
    verifyAmidBlocks: (network) => ask('verifyAmidBlocks', network),
    health: () => ask('health'),
    repairs: () => ask('repairs'),
    stop: (keep) => ask('stop', keep),
    kill,
  }
}
