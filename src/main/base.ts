import { join } from 'node:path'
import { type AllowBook, createAllowBook } from '#core/allow-book.ts'
import type { ConfigSource, DaemonConfig, ReadConfig } from '#core/daemon-config.ts'
import { createEvents } from '#core/events.ts'
import { Gate } from '#core/gate.ts'
import { createGuests } from '#core/guests.ts'
import { createJudgement, type Judgement } from '#core/judgement.ts'
import { isOfList } from '#core/list-door.ts'
import { failOpen } from '#core/on-crash.ts'
import { openReports, SNAP_BYTES } from '#core/open-reports.ts'
import { endedTable, noRules, type OpenRules, openRules, rulesTable } from '#core/open-rules.ts'
import type { DaemonPaths } from '#core/paths.ts'
import { createProtection } from '#core/protection.ts'
import { createRepairBook } from '#core/repairs.ts'
import { createRuleExchange } from '#core/rule-exchange.ts'
import { RuleFiles } from '#core/rule-files.ts'
import type { EnforceSettings } from '#core/settings.ts'
import type { Speaker } from '#core/speaker.ts'
import { openWatchdog } from '#core/watchdog.ts'
import { createDryRunEnforcer } from '#enforce/dry-run.ts'
import { createListEnforcer } from '#enforce/lists.ts'
import { createNftablesEnforcer } from '#enforce/nftables.ts'
import { createProgramEnforcer } from '#enforce/programs.ts'
import { type RuleLogOptions, UNWRITTEN } from '#enforce/rule-log.ts'
import { readSurroundings } from '#enforce/surroundings.ts'
import { createPlaces, type Places } from '#identify/places/places.ts'
import type { Target } from '#model/address.ts'
import type { DecoyOrder } from '#model/decoy.ts'
import type { RecordingOrder } from '#model/recording.ts'
import type { ReportSettings } from '#report/settings.ts'
import type { Store } from '#store/store.ts'
import { openStore } from '#store/thread.ts'
import { openShielding } from './shielding.ts'

export type Stop = () => Promise<unknown> | unknown
export type OnStop = (stop: Stop) => void

export interface Given {
  readonly config: DaemonConfig
  readonly started: ReadConfig
  readonly configSource: ConfigSource
  readonly paths: DaemonPaths
  readonly speaker: Speaker
  readonly onStop: OnStop
}

/** What the capture thread is told. */
interface Ear {
  released(target: Target): void
  record(order: RecordingOrder): void
  setDecoys(order: DecoyOrder | undefined): void
}

export type Base = Awaited<ReturnType<typeof openBase>>

/** Memory, allow list, kernel, and the gate between them: what was blocked is blocked again. */
export async function openBase(given: Given) {
  const { config, paths, speaker, onStop } = given
  const now = Date.now
  const startedAt = now()
  const store = await openStore({ folder: paths.stateFolder, settings: config.store, now })
  onStop(() => store.close())

  const allow = createAllowBook(config.allow, store.remembered.allow)
  allow.refresh(readSurroundings())
  /** A decision as well, once there is a gate. */
  let repaired: (what: string) => void = speaker.say
  const enforcer = enforcerOf(given, now, (what) => repaired(what))
  const held = await enforcer.start()
  onStop(() => enforcer.stop(config.enforce.onStop === 'keep'))
  const onCrash = await onCrashOf(given)
  onStop(() => onCrash?.stop())
  const lists = listsOf(given, now, (what) => repaired(what))
  onStop(() => lists?.stop(config.enforce.onStop === 'keep'))

  const events = createEvents()
  const guests = createGuests({
    file: join(paths.stateFolder, 'guests.json'),
    days: () => judgement.settings.guestDays,
    say: speaker.say,
  })
  const judgement: Judgement = createJudgement({ settings: config.respond, store, allow, guests, now })
  /** The capture thread, once it is there. */
  const ear: Ear = { released() {}, record() {}, setDecoys() {} }
  const protection = createProtection({
    ...{ allow, gate: () => gate },
    surroundings() {
      const entries = readSurroundings()
      guests.see(entries, now())
      return entries
    },
    ...{ closeSockets: enforcer.closeSockets.bind(enforcer), clock: () => performance.now() },
    released: (target, entry) => speaker.say(`${target} is no longer blocked: ${entry.note}.`),
  })
  onStop(() => protection.stop())
  const gate: Gate = new Gate({
    enforcer,
    store,
    spares: allow.spares,
    look: protection.look,
    ...(lists && {
      lists: { enforcer: lists, allowed: () => allow.entries().map(({ target }) => target) },
    }),
    now,
    changed(decision, block) {
      judgement.learn(decision, block)
      if (decision.kind === 'unblock' || decision.kind === 'expire') ear.released(decision.target)
      events.send({ kind: 'decision', decision })
      events.send({ kind: 'blocks', blocks: gate.blocks() })
    },
  })
  repaired = createRepairBook({ note: (undated) => gate.note(undated), say: speaker.say, now })
  gate.adopt(held)
  const atlas = createPlaces({ path: paths.placesFile, files: config.places.files })
  const rules = rulesOf(given, { allow, gate, store, atlas, now, repaired })
  onStop(() => rules.stop(config.enforce.onStop === 'keep'))
  const reports = reportsOf(given, rules, { gate, now })
  onStop(() => reports.stop())
  const shielding = openShielding(given, {
    ...{ gate, now },
    record: (order) => ear.record(order),
    setDecoys: (order) => ear.setDecoys(order),
  })
  const watchdog = watchdogOf(given, { gate, now })
  onStop(() => watchdog?.stop())
  return {
    ...{ ...given, now, startedAt, store, allow, atlas, enforcer, lists, onCrash },
    ...{ events, gate, protection, judgement, ear, rules, reports, watchdog, ...shielding },
  }
}

function enforcerOf({ config }: Given, now: () => number, onRepair: (what: string) => void) {
  if (!config.dryRun) {
    const log = blockLogOf(config.report)
    const limits = { ...limitsOf(config.enforce), ...(log && { log }) }
    return createNftablesEnforcer({ now, table: config.enforce.table, onRepair, limits })
  }
  return createDryRunEnforcer({
    reason: 'Started with --dry-run: nothing is blocked.',
    remedy: 'Start without --dry-run.',
  })
}

/** Before the first rule is in force. */
async function onCrashOf({ config, paths, speaker }: Given) {
  const { enforce, rules, dryRun } = config
  if (dryRun || rules.onCrash === 'keep') return undefined
  return failOpen({
    tables: [enforce.table, ...[rulesTable, listsTable, endedTable].map((of) => of(enforce.table))],
    files: new RuleFiles(rules.file, paths.stateFolder),
    say: speaker.say,
  })
}

const listsTable = (table: string): string => `${table}_lists`

function listsOf({ config }: Given, now: () => number, onRepair: (what: string) => void) {
  if (config.dryRun) return undefined
  const log = blockLogOf(config.report)
  return createListEnforcer({ now, table: listsTable(config.enforce.table), onRepair, ...(log && { log }) })
}

function reportsOf(
  { config, paths }: Given,
  { desk, canLog, history }: OpenRules,
  { gate, now }: { readonly gate: Gate; readonly now: () => number },
) {
  const { table } = config.enforce
  const reports = openReports({
    settings: config.report,
    stateFolder: paths.stateFolder,
    rules: desk && { book: () => desk.standing.book, canLog },
    gate,
    counters: { tables: [rulesTable(table), table, listsTable(table)], name: UNWRITTEN },
    now,
  })
  if (desk) {
    const exchange = createRuleExchange({
      desk,
      table: rulesTable(table),
      markMask: Number(config.rules.markMask),
      now,
    })
    desk.beside = { log: reports.log, exchange, ...(history && { versions: history.portOf(desk) }) }
  }
  return reports
}

function watchdogOf(
  { config, paths }: Given,
  { gate, now }: { readonly gate: Gate; readonly now: () => number },
) {
  if (config.dryRun) return undefined
  return openWatchdog({
    enforcer: createProgramEnforcer(),
    file: join(paths.stateFolder, 'watchdog.json'),
    note: (undated) => gate.note(undated),
    now,
  })
}

function rulesOf(
  { config, paths, speaker }: Given,
  {
    allow,
    gate,
    store,
    atlas,
    now,
    repaired,
  }: {
    readonly allow: AllowBook
    readonly gate: Gate
    readonly store: Store
    readonly atlas: Places
    readonly now: () => number
    readonly repaired: (what: string) => void
  },
): OpenRules {
  if (config.dryRun) {
    const reason = 'Started with --dry-run: no rule is enforced.'
    return noRules({ part: 'rules', state: 'off', reason, remedy: 'Start without --dry-run.' })
  }
  return openRules({
    settings: config.rules,
    stateFolder: paths.stateFolder,
    table: config.enforce.table,
    ...(isWritten(config.report) && { log: ruleLogOf(config.report) }),
    pagePort: config.page.port,
    store,
    now,
    say: speaker.say,
    note: (undated) => gate.note(undated),
    repaired,
    allow,
    places: atlas,
    blockOf(address) {
      const block = gate.shutOutBy(address)
      return block && { ...block, ...(isOfList(block) && { flip: `gatehouse allow add ${address}` }) }
    },
  })
}

const isWritten = ({ firewallLog, eve }: ReportSettings): boolean => firewallLog || eve

/** Of what blocks and lists turn away. */
const blockLogOf = (report: ReportSettings): RuleLogOptions | undefined =>
  isWritten(report) && report.blockedPackets ? ruleLogOf(report) : undefined

const ruleLogOf = ({ nflogGroup, packetsPerSecond }: ReportSettings): RuleLogOptions => ({
  group: nflogGroup,
  perSecond: packetsPerSecond,
  snapBytes: SNAP_BYTES,
})

const limitsOf = ({ refusalsPerSecond, refusalBurst: burst, limitedPerSecond }: EnforceSettings) => ({
  ...(refusalsPerSecond > 0 && { refusals: { perSecond: refusalsPerSecond, burst } }),
  packets: { perSecond: limitedPerSecond, burst: limitedPerSecond },
})
