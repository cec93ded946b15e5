import { join } from 'node:path'
import { createClosedPorts } from '#core/closed-ports.ts'
import type { DaemonConfig } from '#core/daemon-config.ts'
import { createDecoyDesk, decoyOrderOf } from '#core/decoys.ts'
import type { Gate } from '#core/gate.ts'
import type { DaemonPaths } from '#core/paths.ts'
import { createRecordings } from '#core/recordings.ts'
import { createShieldBook } from '#core/shield-book.ts'
import { createShieldDesk } from '#core/shield-desk.ts'
import type { Speaker } from '#core/speaker.ts'
import type { UndoParts } from '#core/undo.ts'
import { createShield } from '#enforce/shield.ts'
import type { DecoyOrder } from '#model/decoy.ts'
import type { RecordingOrder } from '#model/recording.ts'

interface Given {
  readonly config: Pick<DaemonConfig, 'dryRun' | 'decoys' | 'shield' | 'enforce'>
  readonly paths: Pick<DaemonPaths, 'stateFolder'>
  readonly speaker: Pick<Speaker, 'say'>
  readonly onStop: (stop: () => void) => void
}

interface ShieldingParts {
  readonly gate: Gate
  readonly now: () => number
  /** To the capture thread. */
  readonly record: (order: RecordingOrder) => void
  readonly setDecoys: (order: DecoyOrder | undefined) => void
}

type Chosen = Pick<DaemonConfig, 'decoys' | 'shield'>

/** What answers attackers besides blocks: the shield before ports and sources, decoys, packets that are kept. */
export function openShielding({ config, paths, speaker, onStop }: Given, parts: ShieldingParts) {
  const { gate, now, record } = parts
  const recordings = createRecordings({
    folder: join(paths.stateFolder, 'captures'),
    ...{ now, say: speaker.say, order: record },
  })
  let chosen: Chosen = config
  const decoyOrder = config.dryRun ? undefined : decoyOrderOf(config.decoys)
  const decoyDesk = createDecoyDesk(decoyOrder)
  const shield = config.dryRun ? undefined : createShield(`${config.enforce.table}_shield`, now)
  onStop(() => shield?.stop())
  if (decoyOrder) shield?.decoys(decoyOrder)
  const clerk = { note: gate.note.bind(gate), now }
  const closedPorts = shield && createClosedPorts(shield, clerk)
  const shieldBook = shield && createShieldBook(shield, clerk)

  /** Other settings: they hold from now on. */
  function adoptShielding(config: Chosen): void {
    const isSame = JSON.stringify(chosen.decoys) === JSON.stringify(config.decoys)
    chosen = { decoys: config.decoys, shield: config.shield }
    if (!shield || isSame) return
    const order = decoyOrderOf(config.decoys)
    decoyDesk.order(order)
    // The kernel is kept silent before the first answer.
    shield.decoys(order ?? { ports: [], addresses: [] })
    parts.setDecoys(order)
  }

  const undoShielding: UndoParts['undoPort'] =
    closedPorts &&
    shieldBook &&
    ((decision, actor) =>
      decision.kind.endsWith('-port') ? closedPorts.undo(decision, actor) : shieldBook.undo(decision, actor))
  return {
    ...{ recordings, decoyDesk, decoyOrder, shield, closedPorts, shieldBook, undoShielding, adoptShielding },
    decoySettings: () => chosen.decoys,
    shieldSettings: () => chosen.shield,
    shieldDesk:
      shield &&
      closedPorts &&
      shieldBook &&
      createShieldDesk({ shield, recordings, ports: closedPorts, book: shieldBook }),
  }
}
