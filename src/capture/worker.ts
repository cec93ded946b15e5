import { randomInt } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import type { CaptureCounts, CaptureReport, CaptureRequest } from '#model/capture-report.ts'
import type { DecoyOrder } from '#model/decoy.ts'
import type { Finding } from '#model/finding.ts'
import type { Watcher } from '#model/watcher.ts'
import { createWatch, warmUp } from '../watch.ts'
import { createFlowReports, type FlowReports } from './flow-reports.ts'
import { Recorder } from './recorder.ts'
import { rehearse } from './rehearsal.ts'
import { openDecoyWorld } from './sources/decoy-world.ts'
import { DecoyResponder } from './sources/decoys.ts'
import { openRingSource } from './sources/ring.ts'
import type { CaptureThreadSettings } from './thread.ts'

/**
 * The capture thread: rings → engine → detectors → reports. It is the live counterpart of replay, and the only place
 * below main that reads the clock. A finding is posted while the block of packets that it is in is still worked off.
 */
const FLOWS_EVERY_MS = 250
const TICK_EVERY_MS = 1_000

const { capture, detectors, decoys: orderAtStart } = workerData as CaptureThreadSettings
const post = (report: CaptureReport): void => parentPort?.postMessage(report)

// Before the first packet: what scans first is found as fast as what scans later.
warmUp()

/** Stories that go on, of which a tick tells many: one a turn, and what is new is told at once. */
const stories: Finding[] = []
let nextStory: NodeJS.Immediate | undefined

function tell(finding: Finding): void {
  if (!finding.again || nextStory === undefined) post({ kind: 'finding', finding })
  else stories.push(finding)
  if (finding.again) nextStory ??= setImmediate(tellStory)
}

function tellStory(): void {
  const finding = stories.shift()
  nextStory = finding && setImmediate(tellStory)
  if (finding) post({ kind: 'finding', finding })
}

/** Names of DNS wait for no round: all of one block of packets go together. */
let nextNames: NodeJS.Immediate | undefined

/** What playbooks ask to be kept. */
const recorder = new Recorder((recorded) => post({ kind: 'recorded', recorded }))
/** Answers where there are decoys. */
let decoys = orderAtStart && openDecoys(orderAtStart)

/** Set by createWatch, which makes the engine that it needs. */
let reports!: FlowReports
const watch = createWatch({
  seed: randomInt(2 ** 31),
  limits: { maxFlows: capture.maxFlows, maxHosts: capture.maxHosts },
  settings: detectors,
  withNames: true,
  onNameWaiting() {
    nextNames ??= setImmediate(postNames)
  },
  onFinding: tell,
  watchers(engine) {
    reports = createFlowReports(engine, (index) => source.interfaces[index]?.name ?? '')
    return beside()
  },
})
rehearseWatch()
const source = openRingSource({
  ...capture,
  sink: watch.sink,
  onHealth: (health) => post({ kind: 'health', health }),
})

/** Reports that main has not worked off yet: a busy main is not sent more, so that no finding waits behind many. */
let untaken = 0
const MOST_UNTAKEN = 2
let isRoundOver = true
let nextPart: NodeJS.Immediate | undefined

/** Who watches besides the detectors. Where nothing is a decoy, decoys cost nothing. */
function beside(): Watcher[] {
  return [reports.watcher, recorder, ...(decoys?.hasPlaces ? [decoys] : [])]
}

function setDecoys(order: DecoyOrder | undefined): void {
  if (decoys) decoys.setOrder(order)
  else decoys = order && openDecoys(order)
  watch.beside(beside())
}

function openDecoys(ordered: DecoyOrder): DecoyResponder | undefined {
  try {
    return new DecoyResponder(
      ordered,
      openDecoyWorld((index) => source.interfaces[index]?.name),
    )
  } catch (cause) {
    const reason = `the kernel does not tell which ports are taken: ${(cause as Error).message}`
    post({ kind: 'health', health: { part: 'decoys', state: 'off', reason, remedy: 'Load inet_diag' } })
    return undefined
  }
}

function rehearseWatch(): void {
  const trial = createWatch({
    seed: 1,
    limits: { maxFlows: 1_024, maxHosts: 2_048 },
    onFinding() {},
    watchers: (engine) => [createFlowReports(engine, () => '').watcher],
  })
  rehearse(trial.sink)
  trial.close(0)
}

function postRound(): void {
  postDetectorHealth()
  if (untaken > 0 || !isRoundOver) return
  postNames()
  reports.begin()
  postParts()
}

function postNames(): void {
  clearImmediate(nextNames)
  nextNames = undefined
  const names = watch.names?.take() ?? []
  if (names.length > 0) post({ kind: 'names', names })
  const notes = watch.names?.takeNotes() ?? []
  if (notes.length > 0) post({ kind: 'notes', notes })
}

/** Between the parts of a round the rings have their turn: a scan is not seen later because of the report about it. */
function postParts(): void {
  nextPart = undefined
  isRoundOver = postPart()
  if (!isRoundOver && untaken < MOST_UNTAKEN) nextPart = setImmediate(postParts)
}

function taken(): void {
  untaken--
  if (!isRoundOver) nextPart ??= setImmediate(postParts)
}

function postPart(): boolean {
  const { part, isLast } = reports.next()
  untaken++
  post({
    kind: 'flows',
    ...part,
    untoldFindings: watch.detection.untold,
    counts: counts(),
    interfaces: source.counts(),
  })
  return isLast
}

function counts(): CaptureCounts {
  const { engine } = watch
  const { packets, bytes, refusedFlows, refusedHosts, flowsEvicted, undecodableTotal } = engine.counts
  return {
    packets,
    bytes,
    flows: engine.flows.count,
    hosts: engine.hosts.count,
    refusedFlows,
    refusedHosts,
    evictedFlows: flowsEvicted,
    undecodable: undecodableTotal,
  }
}

/** What main knows of the detectors. */
const toldStates = new Map<string, string>()

function postDetectorHealth(): void {
  for (const health of watch.detection.health()) {
    if (toldStates.get(health.part) === health.state) continue
    toldStates.set(health.part, health.state)
    post({ kind: 'health', health })
  }
}

const roundTimer = setInterval(postRound, FLOWS_EVERY_MS)
let nextTick = setTimeout(tick, untilTick())

/** A packet would do it too, as the first of its second: it may be the one that counts, and should not have to. */
function tick(): void {
  watch.tick(Date.now())
  nextTick = setTimeout(tick, untilTick())
  if (decoys) post({ kind: 'decoys', status: decoys.status(Date.now()) })
}

/** To the next full second, where the engine ticks (engine.ts); a timer may be a millisecond early. */
function untilTick(): number {
  return TICK_EVERY_MS - (Date.now() % TICK_EVERY_MS) + 1
}

function stop(): void {
  clearInterval(roundTimer)
  clearTimeout(nextTick)
  clearImmediate(nextPart)
  source.close()
  recorder.close()
  watch.close(Date.now())
  clearImmediate(nextStory)
  for (const finding of stories) post({ kind: 'finding', finding })
  postNames()
  reports.begin('last')
  for (let isLast = false; !isLast; ) isLast = postPart()
  parentPort?.close()
}

parentPort?.on('message', (request: CaptureRequest) => {
  if (request.kind === 'stop') stop()
  else if (request.kind === 'released') watch.released(request.address)
  else if (request.kind === 'record') recorder.begin(request.order, Date.now())
  else if (request.kind === 'decoys') setDecoys(request.order)
  else if (request.kind === 'detectors') watch.retune(request.settings)
  else taken()
})
