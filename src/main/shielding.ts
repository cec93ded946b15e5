import { join } from 'node:path'
import { createClosedPorts } from '#core/closed-ports.ts'
import type { DaemonConfig } from '#core/daemon-config.ts'
import { createDecoyDesk, decoyOrderOf } from '#core/decoys.ts'
import type { Gate } from '#core/gate.ts'
import type { DaemonPaths } from '#core/paths.ts'
import { createRecordings } from '#core/recordings.ts'
import { createShieldDesk } from '#core/shield-desk.ts'
import type { Speaker } from '#core/speaker.ts'
import { createShield } from '#enforce/shield.ts'
import type { RecordingOrder } from '#model/recording.ts'

interface Given {
  readonly config: Pick<DaemonConfig, 'dryRun' | 'decoys' | 'enforce'>
  readonly paths: Pick<DaemonPaths, 'stateFolder'>
  readonly speaker: Pick<Speaker, 'say'>
  readonly onStop: (stop: () => void) => void
}

interface ShieldingParts {
  readonly gate: Gate
  readonly now: () => number
  /** To the capture thread. */
  readonly record: (order: RecordingOrder) => void
}

/** What answers attackers besides blocks: the shield before ports and sources, decoys, packets that are kept. */
export function openShielding(
  { config, paths, speaker, onStop }: Given,
  { gate, now, record }: ShieldingParts,
) {
  const recordings = createRecordings({
    folder: join(paths.stateFolder, 'captures'),
    ...{ now, say: speaker.say, order: record },
  })
  const decoyOrder = config.dryRun ? undefined : decoyOrderOf(config.decoys)
  const shield = config.dryRun ? undefined : createShield(`${config.enforce.table}_shield`, now)
  onStop(() => shield?.stop())
  if (decoyOrder) shield?.decoys(decoyOrder)
  const closedPorts = shield && createClosedPorts(shield, { note: (undated) => gate.note(undated), now })
  const shieldDesk = shield && closedPorts && createShieldDesk({ shield, recordings, ports: closedPorts })
  return { recordings, decoys: createDecoyDesk(decoyOrder), decoyOrder, shield, shieldDesk, closedPorts }
}
