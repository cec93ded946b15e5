import { demandSilence } from '#api/socket-file.ts'
import type { RunOptions } from '#cli/command.ts'
import { openConfigSource } from '#core/daemon-config.ts'
import { pathsOf } from '#core/paths.ts'
import { createSpeaker } from '#core/speaker.ts'
import { goAhead } from '#kernel/priority.ts'
import { type OnStop, openBase, type Stop } from './main/base.ts'
import { openDoors } from './main/doors.ts'
import { startWatching } from './main/watching.ts'

/** Builds the parts, starts them, waits for the signal, stops them in reverse. Throws errors with a `hint` for people. */
export async function startDaemon(options: RunOptions): Promise<void> {
  const speaker = createSpeaker(process.stdout)
  const stops: Stop[] = []
  const onStop: OnStop = (stop) => void stops.unshift(stop)
  const asked = untilAsked()
  try {
    const paths = pathsOf(options)
    const configSource = await openConfigSource(options, paths)
    const started = configSource.read()
    // Before anything is touched: two daemons would fight over the kernel table.
    await demandSilence(paths.apiSocket)
    const base = await openBase({ config: started.config, started, configSource, paths, speaker, onStop })
    const watching = await startWatching(base)
    // Who reads "protecting" may rely on it: the rings are open, or health says why not.
    await watching.begun
    await openDoors(base, watching)
    // Behind all threads that it started: they would be as eager.
    goAhead()
    await asked
    speaker.say('Gatehouse stops.')
  } finally {
    for (const stop of stops) await stop()
  }
}

const untilAsked = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
