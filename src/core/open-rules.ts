import { join } from 'node:path'
import type { RulesStanding } from '#contract/rule-drafting.ts'
import { createForwardedEnder, type ForwardedEnder } from '#enforce/ended.ts'
import type { NameMemory } from '#enforce/named-sets.ts'
import type { RuleClasses } from '#enforce/program-classes.ts'
import { type Refusal, ruleRefusalOf } from '#enforce/refusal.ts'
import type { RuleLogOptions } from '#enforce/rule-log.ts'
import { createRuleEnforcer, type RuleEnforcer } from '#enforce/rules.ts'
import { KernelError } from '#kernel/libc.ts'
import { readLinks, readRoutes } from '#kernel/links.ts'
import { SocketDestroyer } from '#kernel/sock-destroy.ts'
import { type Ip, isIpv6, isRange, type Target } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { Connection } from '#model/flow.ts'
import type { PartHealth } from '#model/health.ts'
import type { NameReport } from '#model/name.ts'
import type { Place, PlaceSpans } from '#model/place.ts'
import type { RuleBook } from '#model/rule.ts'
import { compile } from '#policy/rules/compile.ts'
import { EMPTY_BOOK } from '#policy/rules/parse.ts'
import { BootKeeper } from './boot-keeper.ts'
import { createConnectionEnder } from './connection-ender.ts'
import { endDenied } from './denied-connections.ts'
import { createDomainRules, type DomainRules } from './domain-rules.ts'
import type { Gate } from './gate.ts'
import { bootFile } from './paths.ts'
import { RuleDesk } from './rule-desk.ts'
import type { RuleDeskParts } from './rule-desk-parts.ts'
import { createRuleDrafting, type RuleDraftingDesk } from './rule-drafting.ts'
import { RuleFiles } from './rule-files.ts'
import { RuleHistory } from './rule-history.ts'
import { createRulePrograms, type RulePrograms, type RuleProgramsParts } from './rule-programs.ts'
import type { FlowPages } from './rule-simulation.ts'
import { RuleVersions } from './rule-versions.ts'
import { createRuleWorld } from './rule-world.ts'
import type { RuleSettings } from './settings.ts'
import { vitalTraffic } from './vital-traffic.ts'

/** Whoever changed the table is undone within a second. */
const LOOK_EVERY_MS = 250

/** The rules' own, beside that of the blocks. */
export const rulesTable = (table: string): string => `${table}_rules`
/** Of what passed through and was ended. */
export const endedTable = (table: string): string => `${table}_ended`
/** A countdown is in every open page so soon. */
const TELL_EVERY_MS = 250

export interface OpenRulesOptions {
  readonly settings: RuleSettings
  readonly stateFolder: string
  /** Of the blocks. */
  readonly table: string
  /** Absent: nothing is written about packets. */
  readonly log?: RuleLogOptions
  readonly pagePort: number
  readonly store: FlowPages
  readonly now: () => number
  readonly say: (text: string) => void
  /** Each act on the rules is a decision. */
  readonly note: Gate['note']
  /** Another program had changed the table, and it was put back. */
  readonly repaired: (what: string) => void
  readonly allow: {
    entries(): readonly AllowEntry[]
    spares(target: Target): AllowEntry | undefined
  }
  readonly blockOf: (address: Ip) => { readonly target: Target; readonly reason: string } | undefined
  readonly places: { readonly spans: PlaceSpans | undefined; placeOf(address: Ip): Place }
}

/** The rules at work. `desk` is absent where the kernel does not let us enforce any. */
export interface OpenRules {
  readonly desk: RuleDesk | undefined
  readonly drafting: RuleDraftingDesk | undefined
  readonly history: RuleHistory | undefined
  readonly health: PartHealth
  /** True where the kernel hands over what rules turn away. */
  readonly canLog: boolean
  /** From where the live connections are read: the capture starts later than the rules. */
  see(connections: () => readonly Connection[]): void
  /** Names as the capture saw them: rules by domain go by what DNS answered. */
  learn(names: readonly NameReport[]): void
  /** How bad an address is known to be, from 0 to 100. */
  reputed(address: Ip, score: number): void
  /** Connections as they are seen: those are closed that were faster than the name that they were opened by. */
  seen(connections: readonly Connection[]): void
  /** Who is told when the rules, the draft or what waits changes. */
  tell(told: (standing: RulesStanding) => void): void
  stop(keep: boolean): Promise<void>
}

/** Puts the rules of the file in force, as early as possible, and looks after them once a second. */
export function openRules(options: OpenRulesOptions): OpenRules {
  const { stateFolder, now, say, allow } = options
  const programs = programsOf(options, { book: () => desk.book, domains: () => domains })
  const world = createRuleWorld(options.places.spans, say, programs.world)
  let connections: () => readonly Connection[] = () => []
  const domains = createDomainRules({
    file: join(stateFolder, 'rules', 'names.json'),
    now,
    say,
    isSpared: (address) => allow.spares(address) !== undefined,
    enforcer: () => ('state' in enforcer ? undefined : enforcer),
    explain: (request) => desk.explain(request),
    connections: () => connections(),
    openDestroyer: () => new SocketDestroyer(),
  })
  const enforcer = enforcerOf({
    table: rulesTable(options.table),
    log: options.log,
    names: domains.memory,
    classes: programs.classes,
    onRepair: options.repaired,
  })
  if ('state' in enforcer) return noRules(enforcer)
  const files = new RuleFiles(options.settings.file, stateFolder)
  const forBoot = bootKeeperOf(options, enforcer, files)
  const history = new RuleHistory({ ...options, versions: new RuleVersions(stateFolder) })
  const forwarded = createForwardedEnder(endedTable(options.table))
  const desk = deskOf(options, {
    ...{ enforcer, forwarded, files, world, domains, programs },
    acts: history,
    connections: () => connections(),
  })
  desk.start()
  world.started()
  const looking = setInterval(() => {
    desk.tick()
    forBoot.look()
    domains.memory.tick()
  }, LOOK_EVERY_MS)
  let told: (standing: RulesStanding) => void = () => {}
  const drafting = createRuleDrafting({ desk, now, told: (standing) => told(standing) })
  const telling = setInterval(() => drafting.look(), TELL_EVERY_MS)
  return {
    desk,
    drafting,
    history,
    canLog: enforcer.canLog,
    get health() {
      return desk.health
    },
    see: (read) => (connections = read),
    learn: (names) => domains.learn(names),
    reputed: domains.reputed,
    seen: (connections) => domains.see(connections),
    tell: (listener) => (told = listener),
    async stop(keep) {
      clearInterval(looking)
      await forBoot.stop()
      domains.memory.write()
      clearInterval(telling)
      desk.stop(keep)
      forwarded.stop(keep)
      programs.stop()
    },
  }
}

function programsOf(
  { settings, stateFolder, table, now, say }: OpenRulesOptions,
  { book, domains }: { readonly book: () => RuleBook; readonly domains: () => DomainRules },
): RulePrograms {
  const namesOf: RuleProgramsParts['namesOf'] = (address) => domains().memory.namesOf(address)
  return createRulePrograms({ settings, stateFolder, table: rulesTable(table), book, namesOf, now, say })
}

function bootKeeperOf(
  { stateFolder, table, now, say }: OpenRulesOptions,
  enforcer: RuleEnforcer,
  files: RuleFiles,
): BootKeeper {
  const keeper = new BootKeeper({
    enforcer,
    isWaiting: () => files.hasPending,
    file: bootFile(stateFolder),
    table: rulesTable(table),
    now,
    say,
  })
  files.onConfirmed = () => keeper.look()
  return keeper
}

interface DeskParts extends Pick<RuleDeskParts, 'enforcer' | 'files' | 'world' | 'acts'> {
  readonly domains: DomainRules
  readonly programs: RulePrograms
  readonly forwarded: ForwardedEnder
  readonly connections: () => readonly Connection[]
}

function deskOf(
  options: OpenRulesOptions,
  { domains, programs, connections, forwarded, ...parts }: DeskParts,
): RuleDesk {
  const { settings, store, now, say, allow, blockOf, places, pagePort } = options
  const startedAt = now()
  const end = createConnectionEnder(forwarded)
  const namesOf = (address: Ip): readonly string[] => domains.memory.namesOf(address)
  return new RuleDesk({
    ...parts,
    appliesFileChanges: settings.onFileChange === 'apply',
    store,
    now,
    say,
    blockOf,
    placeOf: (address) => places.placeOf(address),
    namesOf,
    programAt: (path) => programs.factsAt(path),
    spares: allow.spares,
    stayed(book, before) {
      if (settings.openConnections === 'keep') return 0
      const around = { connections, spares: allow.spares, namesOf, pagePort, end, startedAt, now, say }
      return endDenied(book, before, around)
    },
    link: defaultLink,
    ownAddress: (like) => ownAddress(allow.entries(), like),
    sessions: () => sessionsOf(allow.entries()),
    vital: () => vitalOf(options, connections(), namesOf),
  })
}

const vitalOf = (
  { allow, pagePort, now }: OpenRulesOptions,
  connections: readonly Connection[],
  namesOf: (address: Ip) => readonly string[],
) =>
  vitalTraffic({ entries: allow.entries(), connections, link: defaultLink(), pagePort, at: now(), namesOf })

/** Where nothing is enforced on purpose. */
export const noRules = (health: PartHealth): OpenRules => ({
  desk: undefined,
  drafting: undefined,
  history: undefined,
  health,
  canLog: false,
  see: () => {},
  learn: () => {},
  reputed: () => {},
  seen: () => {},
  tell: () => {},
  stop: async () => {},
})

/** Why there is none, where the kernel refuses to speak to us about its table. */
function enforcerOf({
  table,
  log,
  names,
  classes,
  onRepair,
}: {
  readonly table: string
  readonly log: RuleLogOptions | undefined
  readonly names: NameMemory
  readonly classes: RuleClasses
  readonly onRepair: (what: string) => void
}): RuleEnforcer | PartHealth {
  const off = (refusal: Refusal): PartHealth => ({ part: 'rules', state: 'off', ...refusal })
  try {
    const enforcer = createRuleEnforcer({ table, names, classes, onRepair, ...(log && { log }) })
    // Rehearsed only: rules that an earlier run left stay in force until those of the file take their place.
    const refusal = enforcer.refusalOf(compile(EMPTY_BOOK, 0))
    if (!refusal) return enforcer
    enforcer.stop(true)
    return off(refusal)
  } catch (error) {
    if (error instanceof KernelError) return off(ruleRefusalOf(error.errno, table, false))
    throw error
  }
}

function defaultLink(): string | undefined {
  try {
    const [route] = readRoutes()
    return readLinks().find(({ index }) => index === route?.interfaceIndex)?.name
  } catch (error) {
    if (error instanceof KernelError) return undefined
    throw error
  }
}

const sessionsOf = (entries: readonly AllowEntry[]): Ip[] =>
  entries.flatMap(({ source, target }) => (source === 'session' && !isRange(target) ? [target] : []))

const ownAddress = (entries: readonly AllowEntry[], like: string): Ip | undefined =>
  entries.find(({ source, target }) => source === 'own' && isIpv6(target) === like.includes(':'))?.target as
    | Ip
    | undefined
