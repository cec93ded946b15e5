import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type Api, createApi } from '#api/api.ts'
import { listenForOwner, listenForWeb } from '#api/listen.ts'
import { Refused } from '#api/port.ts'
import { demandSilence } from '#api/socket-file.ts'
import { startCapture } from '#capture/thread.ts'
import type { RunOptions } from '#cli/command.ts'
import { createAlertBook } from '#core/alert-book.ts'
import { type AllowBook, createAllowBook } from '#core/allow-book.ts'
import { createCallHomeBook } from '#core/call-home.ts'
import { type DaemonConfig, loadDaemonConfig } from '#core/daemon-config.ts'
import { createDetectorDesk } from '#core/detector-desk.ts'
import { examine } from '#core/doctor.ts'
import { createEvents } from '#core/events.ts'
import { createFlowBacklog } from '#core/flow-backlog.ts'
import { Gate } from '#core/gate.ts'
import { startIntel } from '#core/intel.ts'
import { createJudgement } from '#core/judgement.ts'
import { createWaysIn, type WaysIn } from '#core/links.ts'
import { createLiveConnections } from '#core/live-connections.ts'
import { noRules, type OpenRules, openRules } from '#core/open-rules.ts'
import { createOwnerDesk } from '#core/owner-desk.ts'
import { createPeerDesk } from '#core/peer-desk.ts'
import { closedFolder, type DaemonPlaces, placesOf, webUserOf } from '#core/places.ts'
import { createPlaybookPlayer } from '#core/playbooks.ts'
import { CorePort, shownAlert } from '#core/port.ts'
import { createProgramFiles } from '#core/program-files.ts'
import { startPulse } from '#core/pulse.ts'
import { createReactions, preciseNow } from '#core/reactions.ts'
import { rehearseBlocks } from '#core/rehearsal.ts'
import { createResponseDesk } from '#core/response-desk.ts'
import type { EnforceSettings } from '#core/settings.ts'
import { createSpeaker, type Speaker } from '#core/speaker.ts'
import { standpointOf } from '#core/standing.ts'
import { statusOf } from '#core/status.ts'
import { createTally } from '#core/tally.ts'
import { openWatchdog } from '#core/watchdog.ts'
import { startWebProcess, type WebProcess } from '#core/web-process.ts'
import { loadDetectors } from '#detect/detection.ts'
import { createDryRunEnforcer } from '#enforce/dry-run.ts'
import { createNftablesEnforcer } from '#enforce/nftables.ts'
import { createProgramEnforcer } from '#enforce/programs.ts'
import { readSurroundings } from '#enforce/surroundings.ts'
import { createNameBook } from '#identify/names/name-book.ts'
import { startOwners } from '#identify/owners/thread.ts'
import { createPlaces } from '#identify/places/places.ts'
import { peerCredentials } from '#kernel/peer-credentials.ts'
import { runCommand } from '#kernel/run.ts'
import { SocketDestroyer } from '#kernel/sock-destroy.ts'
import { isIpv6, type Target } from '#model/address.ts'
import type { PartHealth } from '#model/health.ts'
import type { SocketKey } from '#model/owner.ts'
import { createMetrics } from '#report/metrics.ts'
import type { Store } from '#store/store.ts'
import { openStore } from '#store/thread.ts'
import { createPipeline, type PipelineParts } from './pipeline.ts'
import { linkText } from './web/links.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** Flow ids of a run start here: later runs start higher, and 2^22 flows a second for ever fit between. */
const FLOW_IDS_PER_SECOND = 2 ** 22

/** Of a command that a playbook runs. */
const COMMAND_LIMITS = { withinMs: 20_000, maxBytes: 4_096 }

type Stop = () => Promise<unknown> | unknown
type OnStop = (stop: Stop) => void

/** Builds the parts, starts them, waits for the signal, stops them in reverse. Throws errors with a `hint` for people. */
export async function startDaemon(options: RunOptions): Promise<void> {
  const speaker = createSpeaker(process.stdout)
  const stops: Stop[] = []
  const onStop: OnStop = (stop) => void stops.unshift(stop)
  const asked = untilAsked()
  try {
    const places = placesOf(options)
    const config = await loadDaemonConfig(options, places)
    // Before anything is touched: two daemons would fight over the kernel table.
    await demandSilence(places.apiSocket)
    const base = await openBase({ config, places, speaker, onStop })
    const watching = await startWatching(base)
    // Who reads "protecting" may rely on it: the rings are open, or health says why not.
    await watching.begun
    await openDoors(base, watching)
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

interface Given {
  readonly config: DaemonConfig
  readonly places: DaemonPlaces
  readonly speaker: Speaker
  readonly onStop: OnStop
}

type Base = Awaited<ReturnType<typeof openBase>>
type Watching = Awaited<ReturnType<typeof startWatching>>

/** Memory, allow list, kernel, and the gate between them: what was blocked is blocked again. */
async function openBase(given: Given) {
  const { config, places, speaker, onStop } = given
  const now = Date.now
  const startedAt = now()
  const store = await openStore({ folder: places.stateFolder, settings: config.store, now })
  onStop(() => store.close())

  const allow = createAllowBook(config.allow, store.remembered.allow)
  allow.refresh(readSurroundings())
  const enforcer = config.dryRun
    ? createDryRunEnforcer({
        reason: 'Started with --dry-run: nothing is blocked.',
        remedy: 'Start without --dry-run.',
      })
    : createNftablesEnforcer({
        now,
        table: config.enforce.table,
        onRepair: speaker.say,
        limits: limitsOf(config.enforce),
      })
  const held = await enforcer.start()
  onStop(() => enforcer.stop(config.enforce.onStop === 'keep'))

  const events = createEvents()
  const judgement = createJudgement({ settings: config.respond, store, allow, now })
  /** The capture thread, once it is there. */
  const ear: { released(target: Target): void } = { released() {} }
  const gate: Gate = new Gate({
    enforcer,
    store,
    spares: allow.spares,
    now,
    changed(decision, block) {
      judgement.learn(decision, block)
      if (decision.kind === 'unblock' || decision.kind === 'expire') ear.released(decision.target)
      events.send({ kind: 'decision', decision })
      events.send({ kind: 'blocks', blocks: gate.blocks() })
    },
  })
  gate.adopt(held)
  const rules = rulesOf(given, { allow, gate, store, now })
  onStop(() => rules.stop(config.enforce.onStop === 'keep'))
  const watchdog = watchdogOf(given, { gate, now })
  onStop(() => watchdog?.stop())
  return { ...given, now, startedAt, store, allow, enforcer, events, gate, judgement, ear, rules, watchdog }
}

function watchdogOf({ config, places }: Given, { gate, now }: { readonly gate: Gate; readonly now: () => number }) {
  if (config.dryRun) return undefined
  return openWatchdog({
    enforcer: createProgramEnforcer(),
    file: join(places.stateFolder, 'watchdog.json'),
    note: (undated) => gate.note(undated),
    now,
  })
}

function rulesOf(
  { config, places, speaker }: Given,
  {
    allow,
    gate,
    store,
    now,
  }: {
    readonly allow: AllowBook
    readonly gate: Gate
    readonly store: Store
    readonly now: () => number
  },
): OpenRules {
  if (config.dryRun) {
    const reason = 'Started with --dry-run: no rule is enforced.'
    return noRules({ part: 'rules', state: 'off', reason, remedy: 'Start without --dry-run.' })
  }
  return openRules({
    settings: config.rules,
    stateFolder: places.stateFolder,
    table: config.enforce.table,
    pagePort: config.page.port,
    store,
    now,
    say: speaker.say,
    allow,
    blockOf: (address) => gate.shutOutBy(address),
  })
}

const limitsOf = ({ refusalsPerSecond, refusalBurst: burst, limitedPerSecond }: EnforceSettings) => ({
  ...(refusalsPerSecond > 0 && { refusals: { perSecond: refusalsPerSecond, burst } }),
  packets: { perSecond: limitedPerSecond, burst: limitedPerSecond },
})

const playbooksOf = ({ config, gate, enforcer, speaker }: Base) =>
  createPlaybookPlayer({
    settings: config.playbooks,
    gate,
    closeSockets: (target) => enforcer.closeSockets(target),
    run: ({ path, args }) => runCommand(path, args, COMMAND_LIMITS),
    say: speaker.say,
  })

/** The packet thread, the owners thread, and the pipeline behind them. */
async function startWatching(base: Base) {
  const { config, speaker, onStop, now, store, allow, enforcer, events, gate } = base
  const owners = startOwners()
  onStop(() => owners.stop())
  const live = createLiveConnections()
  const alerts = createAlertBook(store.remembered.alerts, store.remembered.lastAlertId)
  const callHomes = createCallHomeBook()
  const programFiles = createProgramFiles((path, identity) => store.recordProgramFile(path, identity))
  const tally = createTally()
  const reactions = createReactions()
  const atlas = createPlaces({ path: base.places.placesFile, files: config.places.files })
  const parts: PipelineParts = {
    owners: createOwnerDesk(owners),
    peers: createPeerDesk({ placeOf: (address) => atlas.placeOf(address), names: createNameBook() }),
    look: (connections) => intel.look(connections),
    live,
    alerts,
    gate,
    store: {
      recordAlert: (alert) => store.recordAlert(alert),
      recordFlows(connections) {
        callHomes.see(connections)
        programFiles.see(connections)
        store.recordFlows(connections)
      },
    },
    judge: base.judgement.judge,
    closeSockets: enforcer.closeSockets.bind(enforcer),
    playbooks: playbooksOf(base),
    standpoint: () => standpointOf(allow.entries()),
    firstFlowId: Math.floor(base.startedAt / 1000) * FLOW_IDS_PER_SECOND,
    now,
    reacted: (packetAt) => reactions.add(preciseNow() - packetAt),
    told(alert, isNew) {
      tally.spoke(alert.detector)
      events.send({ kind: 'alert', alert: shownAlert(alert) })
      if (isNew) speaker.alert(alert)
    },
  }
  const intel = await startIntel(base, parts)
  const pipeline = createPipeline(parts)
  owners.onAnswer(pipeline.ownersFound)
  const backlog = createFlowBacklog(pipeline.flowsSeen)
  const { promise: begun, resolve: begins } = Promise.withResolvers<void>()
  const capture = startCapture({
    settings: { capture: config.capture, detectors: config.detectors },
    onReport(report) {
      if (report.kind === 'finding') pipeline.findingReported(report.finding)
      if (report.kind === 'names') pipeline.namesSeen(report.names)
      if (report.kind === 'health') {
        speaker.health(report.health)
        begins()
      }
      if (report.kind !== 'flows') return undefined
      tally.take(report)
      return backlog.take([...report.changed, ...report.ended])
    },
  })
  base.ear.released = (target) => capture.released(target)
  onStop(async () => {
    await capture.stop()
    backlog.finish()
  })
  // While the capture thread starts.
  rehearse(base, parts)
  return { owners, atlas, intel, live, callHomes, alerts, tally, reactions, capture, begun }
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

/** The API for the command line, the web process with its own, and the beat of every second. */
async function openDoors(base: Base, watching: Watching): Promise<void> {
  const { config, places, speaker, onStop, events } = base
  const door: { web: WebProcess | undefined } = { web: undefined }
  const waysIn = createWaysIn(places.stateFolder, base.now)
  const facts = factsOf(base, watching, () => door.web)
  base.rules.see(() => watching.live.all())
  const port = new CorePort({
    ...base,
    ...watching,
    ...facts,
    rules: base.rules.desk,
    intel: watching.intel.port,
    detectors: createDetectorDesk({
      detectors: await loadDetectors(),
      respond: config.respond,
      chosen: config.chosenDetectors,
    }),
    response: createResponseDesk({
      ...base,
      ...watching,
      suggestions: base.judgement.suggestions,
      confirmations: config.respond.confirmations,
      told: (alert) => events.send({ kind: 'alert', alert: shownAlert(alert) }),
    }),
    defaultBlockSeconds: config.respond.blockSeconds,
    closeSocket: createSocketCloser(),
    loginLink: async (actor) => waysIn.loginLink(door.web, actor ?? OWNER),
    setPassword: (password) => waysIn.setPassword(door.web, password),
  })
  const api = createApi(port, { onFault: (error) => speaker.say(`A request failed: ${error.message}`) })
  onStop(() => api.close())
  const credentialsOf = peerCredentials
  const forOwner = await listenForOwner(api, { path: places.apiSocket, credentialsOf })
  onStop(() => forOwner.close())

  const pulse = startPulse({
    ...base,
    ...watching,
    events,
    status: facts.status,
    surroundings: readSurroundings,
    released: (target, entry) => speaker.say(`${target} is no longer blocked: ${entry.note}.`),
  })
  onStop(() => pulse.stop())

  speaker.say(
    facts.status().state === 'protecting' ? 'Gatehouse is protecting this machine.' : 'Gatehouse is running.',
  )
  if (config.page.enabled) door.web = await openPage(base, { api, waysIn })
  for (const health of facts.parts()) speaker.health(health)
}

const OWNER = { name: 'owner', role: 'admin' } as const

async function openPage(
  base: Base,
  doors: { readonly api: Api; readonly waysIn: WaysIn },
): Promise<WebProcess> {
  const { config, places, speaker, onStop } = base
  const { api, waysIn } = doors
  const secret = randomBytes(32).toString('base64url')
  const { uid: webUid, gid: webGid } = webUserOf(config.page.user)
  const forWeb = await listenForWeb(api, {
    path: places.webSocket,
    credentialsOf: peerCredentials,
    webUid,
    webGid,
    secret,
  })
  onStop(() => forWeb.close())
  const { host, port, origins, user } = config.page
  const web = await startWebProcess({
    start() {
      const hash = waysIn.passwordHash()
      return {
        kind: 'start',
        socketPath: places.webSocket,
        secret,
        host,
        port,
        origins,
        pageFolder: places.pageFolder,
        links: [waysIn.startLink.grant],
        ...(user === undefined ? {} : { user }),
        ...(hash === undefined ? {} : { passwordHash: hash }),
      }
    },
    listening: (address) => speaker.say(`Open ${linkText(address, waysIn.startLink.token)}   (works once)`),
    failed: speaker.health,
    closedFolder: closedFolder(places.webSocket, { uid: webUid, gid: webGid }),
  })
  onStop(() => web.stop())
  return web
}

/** Node measures by a timer of this length, and its length is in the figure. */
const LOOP_RESOLUTION_MS = 10

/** What status, doctor and metrics are made of, read when somebody asks. */
function factsOf(base: Base, watching: Watching, web: () => WebProcess | undefined) {
  const { now, startedAt, gate, allow, config } = base
  const { live, alerts, tally } = watching
  const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })
  loop.enable()
  const parts = (): PartHealth[] => [
    watching.capture.health,
    base.enforcer.health,
    base.rules.health,
    ...(base.watchdog ? [base.watchdog.health] : []),
    watching.owners.health,
    base.store.health,
    ...watching.intel.health(),
    watching.atlas.health,
    ...(config.page.enabled ? [web()?.health ?? PAGE_STARTS] : []),
  ]
  return {
    parts,
    status: () =>
      statusOf({
        version,
        startedAt,
        now: now(),
        parts: parts(),
        interfaces: [...tally.interfaces],
        connections: live.all(),
        openAlerts: alerts.open,
        counts: { ...tally.counts, alerts: alerts.open, blocks: gate.count },
        rates: live.rates(),
      }),
    doctor: async () =>
      examine({
        parts: parts(),
        interfaces: tally.interfaces,
        allow: allow.entries(),
        blocks: gate.blocks(),
        reactions: watching.reactions,
        eventLoopDelayMs: Math.max(0, loop.percentile(99) / 1e6 - LOOP_RESOLUTION_MS),
        memoryMegabytes: Math.round(process.memoryUsage().rss / 1e6),
      }),
    metrics: createMetrics(() => ({
      version,
      ...tally.counts,
      received: tally.interfaces,
      alerts: tally.findings,
      blocks: blocksByFamily(gate),
      droppedPackets: gate.droppedPackets,
      brakedRefusals: base.enforcer.brakedRefusals,
      parts: parts(),
      connections: live.count,
    })),
  }
}

const PAGE_STARTS: PartHealth = { part: 'page', state: 'ok', note: 'starting' }

function blocksByFamily(gate: Gate): { readonly ipv4: number; readonly ipv6: number } {
  const ipv6 = gate.blocks().filter((block) => isIpv6(block.target)).length
  return { ipv4: gate.count - ipv6, ipv6 }
}

/** Opened at the first use: it needs a privilege that a run without root lacks. */
function createSocketCloser(): (key: SocketKey) => number {
  let destroyer: SocketDestroyer | undefined
  return (key) => {
    try {
      destroyer ??= new SocketDestroyer()
      const { closed, refusedBecause, isUnsupported } = destroyer.destroyOne(key)
      if (closed > 0) return closed
      if (isUnsupported) throw new Error('it was built without INET_DIAG_DESTROY')
      if (refusedBecause) throw new Error(refusedBecause)
      return 0
    } catch (cause) {
      const why = `The kernel does not let Gatehouse close connections: ${(cause as Error).message}.`
      throw new Refused(503, why, 'Block the peer instead, or start Gatehouse as root: sudo npm start')
    }
  }
}
