import { join } from 'node:path'
import type { IntelPort } from '#api/intel-port.ts'
import type { DropCount } from '#enforce/enforcer.ts'
import { Answers, type Question } from '#intel/services/answers.ts'
import { ServiceDesk } from '#intel/services/service-desk.ts'
import { SERVICES } from '#intel/services/services.ts'
import type { Alert } from '#model/alert.ts'
import type { Connection } from '#model/flow.ts'
import type { PartHealth } from '#model/health.ts'
import type { Owner } from '#model/owner.ts'
import type { Store } from '#store/store.ts'
import { createAutoAsking } from './auto-asking.ts'
import { type CalledPeersParts, createCalledPeers } from './called-peers.ts'
import type { Gate } from './gate.ts'
import type { IntelBase, Ledger } from './intel-base.ts'
import { createIntelDesk, type IntelDesk, type IntelDeskParts } from './intel-desk.ts'
import { type Lists, openLists } from './intel-lists.ts'
import { createIntelPort } from './intel-port.ts'
import { createProgramHashes, type FileHashes } from './program-hashes.ts'
import { createReputationDesk, type ReputationDeskParts } from './reputation-desk.ts'
import { createReputationWatch, type ReputationWatchParts } from './reputation-watch.ts'

const TICK_MS = 10_000
/** Some programs try for less than a second. */
const CALLED_EVERY_MS = 250

export type IntelParts = Pick<IntelDeskParts, 'alerts' | 'closeSockets' | 'told' | 'notes'> &
  Pick<CalledPeersParts, 'listSockets'> &
  Pick<ReputationDeskParts, 'describe' | 'live' | 'countryOf'> &
  Pick<ReputationWatchParts, 'reputed'>

/** What the world knows of addresses, names and programs: threat lists, services, reputation. */
export interface Intel {
  readonly look: IntelDesk['look']
  /** A detector spoke: services are asked about its subject first, and its reputation is another. */
  alerted(alert: Alert): void
  readonly port: IntelPort
  /** The egress ledger: there is one, so that its numbers rise. */
  readonly record: Ledger
  /** Nothing while no list is on. */
  health(): readonly PartHealth[]
}

/** Keeps the lists that are on fresh. Those on the disk are in force a moment after: nothing waits for them. */
export async function startIntel(base: IntelBase, parts: IntelParts): Promise<Intel> {
  const { store, allow, gate, now } = base
  const settings = base.config.intel
  const record = createLedger(store, now)
  const services = openServices(base, record, (question) => reconsider(question))
  const lists = await openLists(base, record, () => desk.forget())
  const { feeds, indicators, factsOf } = lists
  const auto = services && createAutoAsking({ services, now })
  const hashes = createProgramHashes({
    describe: parts.describe,
    isWanted: () => indicators.holdsTexts || services?.asksOfItself('sha256') === true,
    found(connection, { sha256 }) {
      desk.look([connection])
      auto?.programFound(sha256)
      void watch.reconsider(connection, 'program')
    },
  })
  const { blockSeconds } = settings
  const desk = createIntelDesk({
    ...parts,
    ...{ hashes, store, gate, now, indicators, blockSeconds, factsOf },
    ignore: settings.ignore,
  })
  const { ignoredBecause } = desk
  const reputation = createReputationDesk({
    ...parts,
    ...{ indicators, factsOf, ignoredBecause, services, store, gate, now },
    countries: settings.reputation.countries,
  })
  const watch = createReputationWatch({
    ...parts,
    ...{ desk: reputation, settings: settings.reputation, blockSeconds, gate, store, now },
    isKnown: ({ peer, listed }) => listed !== undefined || (services?.known('target', peer) ?? []).length > 0,
    isTold: ({ listed = [] }) => listed.some((list) => factsOf(list)?.action !== 'record'),
  })
  /** A service answered: what is open to that peer, or of that program, is looked at again. */
  const reconsider = ({ kind, value }: Question): void => {
    const open = parts.live.all().find(isAbout(kind, value, hashes))
    if (open) void watch.reconsider(open, kind === 'target' ? 'peer' : 'program')
  }
  keepGoing(base, { lists, services, called: calledOf(gate, desk, parts, now) })
  const blockOf = gate.blockOf.bind(gate)
  const drops = (): ReadonlyMap<string, DropCount> => gate.lists?.drops() ?? new Map()
  return {
    record,
    look(connections) {
      hashes.see(connections)
      auto?.see(connections)
      const looked = desk.look(connections)
      watch.see(looked)
      return looked
    },
    alerted(alert) {
      auto?.alerted(alert)
      if (alert.blame === undefined) void watch.accused(alert.subject)
    },
    port: createIntelPort({
      ...{ feeds, indicators, desk, services, reputation, store, allow, blockOf, drops, now },
      mayReport: settings.services.abuseipdb.reports,
    }),
    health: lists.health,
  }
}

const isAbout =
  (kind: Question['kind'], value: string, hashes: { of(owner: Owner): FileHashes | undefined }) =>
  ({ peer, owner }: Connection): boolean =>
    kind === 'target' ? peer === value : owner !== undefined && hashes.of(owner)?.sha256 === value

const calledOf = (
  { lists }: Gate,
  { lookAtRefused: tell }: IntelDesk,
  { listSockets }: IntelParts,
  now: () => number,
) => createCalledPeers({ takeCalled: () => lists?.takeCalled() ?? [], listSockets, tell, now })

/** Lists are had, services asked and refused calls told from now on until the end. */
function keepGoing(
  base: IntelBase,
  work: {
    readonly lists: Lists
    readonly services: ServiceDesk | undefined
    readonly called: () => Promise<void>
  },
): void {
  const { feeds } = work.lists
  const timer = setInterval(() => {
    feeds.tick()
    void work.services?.run()
  }, TICK_MS)
  const calls = setInterval(() => void work.called(), CALLED_EVERY_MS)
  base.onStop(async () => {
    clearInterval(timer)
    clearInterval(calls)
  })
  void feeds.start().then(() => feeds.tick())
}

/** Nothing while no service is on: then there is no database of answers either. */
function openServices(
  base: IntelBase,
  record: Ledger,
  answered: (question: Question) => void,
): ServiceDesk | undefined {
  const { services, proxy } = base.config.intel
  const on = SERVICES.filter(({ id }) => services[id].on)
  if (on.length === 0) return undefined
  try {
    const answers = new Answers(join(base.paths.stateFolder, 'intel', 'services.db'))
    base.onStop(async () => answers.close())
    const choices = on.map((service) => ({ ...services[service.id], service }))
    const through = proxy === undefined ? undefined : new URL(proxy)
    return new ServiceDesk({ choices, answers, now: base.now, record, answered, proxy: through })
  } catch (error) {
    base.speaker.say(`Services cannot be asked: ${(error as Error).message}. Check the disk, and restart.`)
    return undefined
  }
}

/** Numbers rise over all runs: microseconds, so that a request of the same millisecond has its own. */
function createLedger(store: Pick<Store, 'recordEgress'>, now: () => number): Ledger {
  let last = 0
  return (request) => {
    const at = now()
    last = Math.max(last + 1, Math.floor(at) * 1000)
    return store.recordEgress({ id: last, at, ...request })
  }
}
