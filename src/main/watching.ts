import { startCapture } from '#capture/thread.ts'
import { createAlertBook } from '#core/alert-book.ts'
import { createBacklog } from '#core/backlog.ts'
import { type CountedBytes, createByteKeeper, createCountedBytes } from '#core/byte-keeper.ts'
import { createCallHomeBook } from '#core/call-home.ts'

import { createFlowNotes } from '#core/flow-notes.ts'
import { type Intel, startIntel } from '#core/intel.ts'
import { createLiveConnections, type LiveConnections } from '#core/live-connections.ts'
import { createOwnerDesk } from '#core/owner-desk.ts'
import { createPeerDesk } from '#core/peer-desk.ts'
import { createPortCloser } from '#core/playbook-ports.ts'
import { createPlaybookPlayer, type PlaybookPlayer } from '#core/playbooks.ts'
import { shownAlert } from '#core/port.ts'
import { createProgramFiles } from '#core/program-files.ts'
import { createReactions, preciseNow } from '#core/reactions.ts'
import { rehearseBlocks } from '#core/rehearsal.ts'
import { createShieldAnswer } from '#core/shield-answer.ts'
import { standpointOf } from '#core/standing.ts'
import { talkersWith } from '#core/talkers.ts'
import { createTally, type Tally } from '#core/tally.ts'
import { readSshPorts } from '#enforce/ssh-ports.ts'
import { createNameBook } from '#identify/names/name-book.ts'
import { ONLY_LOOKING, type Owners, startOwners } from '#identify/owners/thread.ts'
import { createPrograms } from '#identify/programs/programs.ts'
import { runCommand, runProgram } from '#kernel/run.ts'
import type { Alert } from '#model/alert.ts'
import type { CaptureReport } from '#model/capture-report.ts'
import type { Finding } from '#model/finding.ts'
import { createPipeline, type Pipeline, type PipelineParts } from '../pipeline.ts'
import type { Base } from './base.ts'
import { startObserving } from './observing.ts'

/** Flow ids of a run start here: later runs start higher, and 2^22 flows a second for ever fit between. */
const FLOW_IDS_PER_SECOND = 2 ** 22

/** Of a command that a playbook runs. */
const COMMAND_LIMITS = { withinMs: 20_000, maxBytes: 4_096 }

/** Of the work of the main thread: half a millisecond each, where it is fresh. */
const FLOWS_PER_SLICE = 20
const OWNERS_PER_SLICE = 50
const FINDINGS_PER_SLICE = 1

/** A crash loses no more of them. */
const KEEP_BYTES_EVERY_MS = 10_000

export type Watching = Awaited<ReturnType<typeof startWatching>>

/** The packet thread, the owners thread, and the pipeline behind them. */
export async function startWatching(base: Base) {
  const { onStop, now, store, allow, atlas, gate, protection } = base
  const { holdFirstPackets, countBytes } = base.config.owners
  const mayHold = holdFirstPackets && !base.config.dryRun
  const owners = startOwners({ countBytes, ...(!mayHold && { sources: ONLY_LOOKING }) })
  onStop(() => owners.stop())
  const bytes = keepBytes(base, owners)
  if (base.reports.log) base.reports.log.owners = owners
  const live = createLiveConnections()
  const alerts = createAlertBook(store.remembered.alerts, store.remembered.lastAlertId)
  const callHomes = createCallHomeBook()
  const programs = createPrograms({ clock: () => performance.now(), run: runProgram })
  const programFiles = createProgramFiles({
    record: (file) => store.recordProgramFile(file),
    filesOf: (path) => store.programFiles(path),
    describe: programs.describeProgram,
    changed: (change) => observing.programChanged(change),
  })
  const tally = createTally()
  const reactions = createReactions()
  const notes = createFlowNotes()
  const parts: PipelineParts = {
    owners: createOwnerDesk(owners, now),
    peers: createPeerDesk({ placeOf: (address) => atlas.placeOf(address), names: createNameBook(), notes }),
    notes,
    look: (connections) => intel.look(connections),
    live,
    alerts,
    gate,
    store: {
      recordAlert: (alert) => store.recordAlert(alert),
      recordFlows(connections) {
        observing.see(connections)
        programFiles.see(connections)
        base.reports.flows(connections)
        base.rules.seen(connections)
        store.recordFlows(connections)
      },
    },
    judge: base.judgement.judge,
    closeSockets: protection.closeSoon,
    playbooks: playersOf(base, live),
    standpoint: () => standpointOf(allow.entries()),
    firstFlowId: Math.floor(base.startedAt / 1000) * FLOW_IDS_PER_SECOND,
    now,
    reacted: (packetAt) => reactions.add(preciseNow() - packetAt),
    told: (alert, isNew) => tell(base, { tally, intel }, alert, isNew),
  }
  const intel = await startIntel(base, {
    ...parts,
    listSockets: () => owners.listSockets(),
    describe: programs.describeProgram,
    countryOf: (address) => atlas.placeOf(address).country?.code,
    reputed: base.rules.reputed,
  })
  const pipeline = createPipeline(parts)
  const observing = await startObserving(base, { callHomes, found: pipeline.findingReported })
  const { capture, begun } = listen(base, { pipeline, owners, live, tally })
  base.ear.released = (target) => {
    capture.released(target)
    observing.released(target)
  }
  // While the capture thread starts.
  rehearse(base, parts)
  return {
    ...{ owners, bytes, programs, atlas, intel, live, callHomes, peers: parts.peers },
    ...{ alerts, tally, reactions, capture, observing, begun },
  }
}

/** What the kernel counts of programs goes to the store, the last of it as we stop. */
function keepBytes({ store, now, onStop }: Base, owners: Owners): CountedBytes {
  const keeper = createByteKeeper({
    take: owners.takeBytes.bind(owners),
    record: store.recordCounted.bind(store),
    now,
  })
  const timer = setInterval(() => keeper.keep(), KEEP_BYTES_EVERY_MS)
  onStop(() => {
    clearInterval(timer)
    return keeper.keep('end')
  })
  return createCountedBytes({ keeper, owners, store, now })
}

type Told = { readonly tally: Tally; readonly intel: Pick<Intel, 'alerted'> }

/** Everybody who hears of an alert. */
function tell(
  { events, speaker, reports, gate }: Base,
  { tally, intel }: Told,
  alert: Alert,
  isNew: boolean,
): void {
  tally.spoke(alert.detector)
  intel.alerted(alert)
  events.send({ kind: 'alert', alert: shownAlert(alert) })
  if (isNew) speaker.alert(alert)
  reports.alert(alert, gate.shutOutBy(alert.subject) ? 'blocked' : 'allowed')
}

interface Hearers {
  readonly pipeline: Pipeline
  readonly owners: Owners
  readonly live: LiveConnections
  readonly tally: Tally
}

/** Starts the capture thread; `begun` once it said how it is doing. */
function listen(base: Base, { pipeline, owners, live, tally }: Hearers) {
  const { config, speaker, onStop, rules, decoyDesk, decoyOrder, recordings } = base
  const answers = createBacklog(pipeline.ownersFound, OWNERS_PER_SLICE)
  owners.onAnswer((found) => void answers.take(found))
  const flows = createBacklog(pipeline.flowsSeen, FLOWS_PER_SLICE)
  /** Stories that go on: their first telling had its answer, and the next attacker's must not wait for them. */
  const stories = createBacklog<Finding>((told) => told.forEach(pipeline.findingReported), FINDINGS_PER_SLICE)
  const { promise: begun, resolve: begins } = Promise.withResolvers<void>()
  const hear = (report: Exclude<CaptureReport, { kind: 'flows' }>): undefined => {
    switch (report.kind) {
      case 'finding':
        if (report.finding.again) void stories.take([report.finding])
        else pipeline.findingReported(report.finding)
        break
      case 'names':
        // First of all: whoever asked may open a connection any moment.
        rules.learn(report.names)
        pipeline.namesSeen(report.names)
        break
      case 'notes':
        pipeline.notesSeen(report.notes)
        break
      case 'health':
        speaker.health(report.health)
        begins()
        break
      case 'decoys':
        decoyDesk.take(report.status)
        break
      case 'recorded':
        recordings.take(report.recorded)
    }
  }
  const capture = startCapture({
    settings: {
      ...{ capture: config.capture, detectors: config.detectors },
      ...(decoyOrder && { decoys: decoyOrder }),
    },
    onReport(report) {
      if (report.kind !== 'flows') return hear(report)
      tally.take(report)
      live.settle(base.now())
      return flows.take([...report.changed, ...report.ended])
    },
  })
  base.ear.record = (order) => capture.record(order)
  base.ear.setDecoys = (order) => capture.setDecoys(order)
  onStop(async () => {
    await capture.stop()
    stories.finish()
    flows.finish()
  })
  return { capture, begun }
}

function rehearse({ enforcer, now, allow, gate }: Base, parts: PipelineParts): void {
  rehearseBlocks({
    enforcer,
    now,
    spares: allow.spares,
    isBlocked: (target) => gate.blockOf(target) !== undefined,
    stage: (trial) => createPipeline({ ...parts, ...trial }),
  })
}

/** The shield first, then what the playbooks add. */
function playersOf(base: Base, live: LiveConnections): PlaybookPlayer {
  const { config, shield, shieldBook, allow, now } = base
  const answer = createShieldAnswer({
    shield: shield && shieldBook && { kernel: shield, book: shieldBook },
    settings: base.shieldSettings,
    mayAct: (detector) => (config.respond.modes[detector] ?? 'act') === 'act',
    spares: allow.spares,
    talking: (place) => talkersWith(place, live.all()),
    isOwn: (address) => standpointOf(allow.entries()).isOwn(address),
    now,
  })
  const playbooks = playbooksOf(base, live)
  return { play: (alert) => [...answer(alert), ...playbooks.play(alert)] }
}

const playbooksOf = (
  { config, gate, judgement, protection, speaker, closedPorts, allow, now, recordings }: Base,
  live: LiveConnections,
) =>
  createPlaybookPlayer({
    closePorts: createPortCloser({
      shield: closedPorts,
      pagePort: () => config.page.port,
      connections: () => live.all(),
      sshPorts: readSshPorts,
      standpoint: () => standpointOf(allow.entries()),
      now,
    }),
    capture: recordings.begin,
    settings: config.playbooks,
    gate,
    grants: judgement.grants,
    closeSockets: protection.closeSockets,
    run: ({ path, args }) => runCommand(path, args, COMMAND_LIMITS),
    say: speaker.say,
  })
