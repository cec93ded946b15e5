import { join } from 'node:path'
import type { CallHomeBook } from '#core/call-home.ts'
import { createVolumes } from '#core/volumes.ts'
import { createObservation, loadObservers } from '#detect/observation.ts'
import { followProgram } from '#kernel/follow.ts'
import { createTurns } from '#lib/turns.ts'
import { startLogs } from '#logs/logs.ts'
import { isRange, type Target } from '#model/address.ts'
import type { Finding } from '#model/finding.ts'
import type { ProgramChange } from '#model/first-seen.ts'
import type { Connection } from '#model/flow.ts'
import type { PartHealth } from '#model/health.ts'
import type { Base } from './base.ts'

const TICK_MS = 1_000
const CALL_HOMES_EVERY_MS = 60_000
const KEEP_EVERY_MS = 600_000
/** Habits are looked for in what was opened since then. */
const HISTORY_MS = 2 * 86_400_000

export interface ObservingParts {
  readonly callHomes: CallHomeBook
  readonly found: (finding: Finding) => void
}

/** The observers, with what they hear: logs, connections, what is new, and what earlier runs learned. */
export async function startObserving(base: Base, { callHomes, found }: ObservingParts) {
  const { config, store, now, onStop } = base
  const observation = createObservation({
    observers: await loadObservers(),
    settings: config.observers,
    now: now(),
    onFinding: found,
  })
  const volumes = createVolumes()
  // Without it they learn anew.
  observation.recall(await store.usual().catch(() => []))
  const { watchedSince } = store.remembered
  if (watchedSince !== undefined) observation.watchedSince(watchedSince)
  store.onNewSightings((sightings) => observation.firstSeen(sightings, now()))
  // The past may be long: nobody waits for it.
  store.openings(now() - HISTORY_MS).then(callHomes.recall, () => undefined)
  const logs = await startLogs({
    settings: config.logs,
    follow: followProgram,
    placeFile: join(base.paths.stateFolder, 'journal.json'),
    now,
    attempted: observation.login,
  })
  const keep = (all: boolean): void => store.recordUsual(observation.learned(all))
  const timers = [
    setInterval(() => {
      observation.tick(now())
      observation.surroundings(base.allow.entries(), now())
    }, TICK_MS),
    setInterval(async () => {
      observation.callHomes(await callHomes.findInTurns(createTurns()), now())
    }, CALL_HOMES_EVERY_MS),
    setInterval(() => keep(false), KEEP_EVERY_MS),
  ]
  onStop(async () => {
    for (const timer of timers) clearInterval(timer)
    await logs.stop()
    keep(true)
  })
  return {
    see(connections: readonly Connection[]): void {
      callHomes.see(connections)
      observation.carried(volumes.take(connections), now())
    },
    programChanged: (change: ProgramChange): void => observation.programChanged(change, now()),
    released(target: Target): void {
      if (!isRange(target)) observation.released(target)
    },
    retune: observation.retune,
    health: (): readonly PartHealth[] => [logs.health, ...observation.health.filter(isWorthTelling)],
  }
}

/** That an observer watches needs no line in the status; that it failed, or is still learning, does. */
const isWorthTelling = (health: PartHealth): boolean => health.state !== 'ok' || health.note !== 'watching'
