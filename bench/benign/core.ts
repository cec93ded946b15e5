import { createFlowReports, type FlowReports } from '#capture/flow-reports.ts'
import { LINK_TYPE } from '#capture/source.ts'
import { createAlertBook } from '#core/alert-book.ts'
import { createAllowBook } from '#core/allow-book.ts'
import { createCallHomeBook } from '#core/call-home.ts'
import type { DaemonConfig } from '#core/daemon-config.ts'
import { createFlowNotes } from '#core/flow-notes.ts'
import { Gate } from '#core/gate.ts'
import { createJudgement } from '#core/judgement.ts'
import { createLiveConnections } from '#core/live-connections.ts'
import { createOwnerDesk, type OwnerAnswer } from '#core/owner-desk.ts'
import { createPeerDesk } from '#core/peer-desk.ts'
import { createPlaybookPlayer } from '#core/playbooks.ts'
import type { ShieldOrder } from '#core/shield-book.ts'
import { standpointOf } from '#core/standing.ts'
import { createVolumes } from '#core/volumes.ts'
import { createObservation, loadObservers } from '#detect/observation.ts'
import { createDryRunEnforcer } from '#enforce/dry-run.ts'
import { createNameBook } from '#identify/names/name-book.ts'
import { ip } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { Decision } from '#model/decision.ts'
import type { LoginAttempt } from '#model/login.ts'
import type { Owner } from '#model/owner.ts'
import type { Place } from '#model/place.ts'
import type { Verdict } from '#model/verdict.ts'
import type { Store } from '#store/store.ts'
import { createPipeline, type PipelineParts } from '../../src/pipeline.ts'
import { createWatch } from '../../src/watch.ts'
import { GATEWAY, OWN } from './machine.ts'
import { createMadeUpShield, holdLists } from './threats.ts'

const FLOW_IDS_PER_RUN = 2 ** 32

/** The core of the daemon, with the time handed in: nothing of it waits for a clock but the store's writes. */
export interface MadeUpCore {
  frame(bytes: Uint8Array, at: number): void
  tick(at: number): void
  owner(localPort: number, owner: Owner): void
  login(attempt: Omit<LoginAttempt, 'at'>): void
  /** What became of flows since the last call; a daemon does so four times a second. */
  round(): void
  /** Once a minute. */
  minute(): void
  readonly alerts: ReadonlyMap<number, Alert>
  readonly verdicts: readonly Verdict[]
  /** What the gate was told to do, whoever asked: detectors, lists, reputation. */
  readonly decisions: readonly Decision[]
  /** Where the shield had to stand. */
  readonly shielded: readonly ShieldOrder[]
  stop(): Promise<void>
  readonly counts: {
    packets: number
    connections: number
    owned: number
    logins: number
    habits: number
    sightings: number
  }
}

export interface CoreParts {
  readonly config: DaemonConfig
  readonly store: Store
  readonly now: () => number
  /** How often the machine was started before. */
  readonly run: number
  /** What it keeps beside the store. */
  readonly stateFolder: string
}

export async function createCore({ config, store, now, run, stateFolder }: CoreParts): Promise<MadeUpCore> {
  const allow = createAllowBook(config.allow, [])
  allow.refresh([
    { target: ip(OWN), source: 'own', note: 'eth0' },
    { target: ip(GATEWAY), source: 'gateway', note: 'default gateway of eth0' },
  ])
  const counts = { packets: 0, connections: 0, owned: 0, logins: 0, habits: 0, sightings: 0 }
  const alerts = new Map<number, Alert>()
  const verdicts: Verdict[] = []
  const decisions: Decision[] = []
  const enforcer = createDryRunEnforcer({ reason: 'made up', remedy: 'none' })
  const judgement = createJudgement({ settings: config.respond, store, allow, now })
  const gate = new Gate({
    ...{ enforcer, store, spares: allow.spares, now },
    changed(decision, block) {
      decisions.push(decision)
      judgement.learn(decision, block)
    },
  })
  const { answer, orders: shielded } = createMadeUpShield(config.shield, {
    mayAct: (detector) => (config.respond.modes[detector] ?? 'act') === 'act',
    ...{ spares: allow.spares, now },
  })
  const live = createLiveConnections()
  const callHomes = createCallHomeBook()
  const volumes = createVolumes()
  const owners = createMadeUpOwners()
  const observation = createObservation({
    observers: await loadObservers(),
    settings: config.observers,
    now: now(),
    onFinding: (finding) => pipeline.findingReported(finding),
  })
  const notes = createFlowNotes()
  const playbooks = createPlaybookPlayer({
    settings: config.playbooks,
    gate,
    closeSockets: () => 0,
    run: async () => ({ state: 'failed', reason: 'made up' }),
    closePorts: () => 'made up',
    capture: () => true,
    grants: judgement.grants,
    say() {},
  })
  const parts: PipelineParts = {
    owners: createOwnerDesk(owners.source, now),
    peers: createPeerDesk({ placeOf, names: createNameBook(), notes }),
    notes,
    look: (connections) => intel.look(connections),
    live,
    alerts: createAlertBook(store.remembered.alerts, store.remembered.lastAlertId),
    gate,
    store: {
      recordAlert: (alert) => store.recordAlert(alert),
      recordFlows(connections) {
        counts.connections += connections.length
        counts.owned += connections.filter(({ owner }) => owner !== undefined).length
        callHomes.see(connections)
        observation.carried(volumes.take(connections), now())
        store.recordFlows(connections)
      },
    },
    judge(finding) {
      const verdict = judgement.judge(finding)
      verdicts.push(verdict)
      return verdict
    },
    closeSockets: () => 0,
    playbooks: { play: (alert) => [...answer(alert), ...playbooks.play(alert)] },
    standpoint: () => standpointOf(allow.entries()),
    firstFlowId: run * FLOW_IDS_PER_RUN,
    now,
    reacted() {},
    told(alert) {
      alerts.set(alert.id, alert)
      intel.alerted(alert)
    },
  }
  const { intel, stop } = await holdLists(
    { config, store, allow, gate, now, paths: { stateFolder } },
    { ...parts, countryOf: (address) => placeOf(address).country?.code },
  )
  const pipeline = createPipeline(parts)
  observation.recall(await store.usual())
  if (store.remembered.watchedSince !== undefined) observation.watchedSince(store.remembered.watchedSince)
  store.onNewSightings((sightings) => {
    counts.sightings += sightings.length
    observation.firstSeen(sightings, now())
  })
  let reports!: FlowReports
  const watch = createWatch({
    seed: 1,
    limits: { maxHosts: 1 << 15, maxFlows: 1 << 14 },
    settings: config.detectors,
    withNames: true,
    onFinding: (finding) => pipeline.findingReported(finding),
    watchers(engine) {
      reports = createFlowReports(engine, () => 'eth0')
      return [reports.watcher]
    },
  })
  return {
    ...{ alerts, verdicts, decisions, shielded, counts, stop },
    frame(bytes, at) {
      counts.packets++
      watch.sink.frame(
        new DataView(bytes.buffer),
        0,
        bytes.length,
        bytes.length,
        at,
        LINK_TYPE.ethernet,
        0,
        0,
      )
    },
    tick: (at) => {
      watch.tick(at)
      observation.tick(at)
      observation.surroundings(allow.entries(), at)
      gate.tick()
    },
    owner: owners.learn,
    login(attempt) {
      counts.logins++
      observation.login({ ...attempt, at: now() })
    },
    round() {
      pipeline.namesSeen(watch.names?.take() ?? [])
      reports.begin()
      for (let isLast = false; !isLast; ) {
        const next = reports.next()
        isLast = next.isLast
        pipeline.flowsSeen([...next.part.changed, ...next.part.ended])
      }
      pipeline.ownersFound(owners.take())
    },
    minute() {
      const found = callHomes.found()
      counts.habits = Math.max(counts.habits, found.length)
      observation.callHomes(found, now())
      store.recordUsual(observation.learned(false))
    },
  }
}

/** Answers with the next round, as the owners thread does. */
function createMadeUpOwners() {
  const byPort = new Map<number, Owner>()
  let answers: OwnerAnswer[] = []
  return {
    learn: (port: number, owner: Owner): void => void byPort.set(port, owner),
    take(): readonly OwnerAnswer[] {
      const taken = answers
      answers = []
      return taken
    },
    source: {
      ownerOf: ({ localPort }: { readonly localPort: number }) => byPort.get(localPort),
      request(keys: readonly OwnerAnswer['key'][]): void {
        for (const key of keys) {
          const owner = byPort.get(key.localPort)
          answers.push({ key, ...(owner && { owner }) })
        }
      },
    },
  }
}

/** Documentation networks (RFC 5737) are abroad; the office has no country. */
function placeOf(address: string): Place {
  if (address.startsWith('198.51.100.')) return { country: { code: 'DE', name: 'Germany' } }
  if (address.startsWith('203.0.113.')) return { country: { code: 'NL', name: 'Netherlands' } }
  return { special: 'private' }
}
