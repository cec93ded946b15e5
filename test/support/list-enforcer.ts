import type { DropCount } from '#enforce/enforcer.ts'
import type { PartHealth } from '#model/health.ts'
import { startRemote } from './remote.ts'

/** The enforcer of lists of another process: see list-child.ts. */
export interface RemoteLists {
  hold(lists: Readonly<Record<string, readonly string[]>>): Promise<boolean>
  holdMany(count: number): Promise<{ isDone: boolean; tookMs: number; stallMs: number }>
  spare(targets: readonly string[]): Promise<void>
  drops(): Promise<Record<string, DropCount>>
  called(): Promise<string[]>
  verify(): Promise<void>
  health(): Promise<PartHealth | null>
  repairs(): Promise<string[]>
  stop(keep: boolean): Promise<void>
  /** As a crash would: SIGKILL. Settles when it is dead. */
  kill(): Promise<void>
}

export function runLists(namespace: string): RemoteLists {
  const { ask, kill } = startRemote(namespace, 'list-child.ts')
  return {
    hold: (lists) => ask('hold', lists),
    holdMany: (count) => ask('holdMany', count),
    spare: (targets) => ask('spare', targets),
    drops: () => ask('drops'),
    called: () => ask('called'),
    verify: () => ask('verify'),
    health: () => ask('health'),
    repairs: () => ask('repairs'),
    stop: (keep) => ask('stop', keep),
    kill,
  }
}
