import type { RulesStanding } from '#contract/rule-drafting.ts'
import { createRuleEnforcer, type RuleEnforcer } from '#enforce/rules.ts'
import { KernelError } from '#kernel/libc.ts'
import { readLinks, readRoutes } from '#kernel/links.ts'
import { lookUpUser } from '#kernel/privilege.ts'
import { type Ip, isIpv6, isRange, type Target } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { Connection } from '#model/flow.ts'
import type { PartHealth } from '#model/health.ts'
import { compile } from '#policy/rules/compile.ts'
import { EMPTY_BOOK } from '#policy/rules/parse.ts'
import { RuleDesk } from './rule-desk.ts'
import { createRuleDrafting, type RuleDraftingDesk } from './rule-drafting.ts'
import { RuleFiles, readListText } from './rule-files.ts'
import type { FlowPages } from './rule-simulation.ts'
import type { RuleSettings } from './settings.ts'
import { vitalTraffic } from './vital-traffic.ts'

const LOOK_EVERY_MS = 1_000
/** A countdown is in every open page so soon. */
const TELL_EVERY_MS = 250

export interface OpenRulesOptions {
  readonly settings: RuleSettings
  readonly stateFolder: string
  /** Of the blocks; the rules have one beside it. */
  readonly table: string
  readonly pagePort: number
  readonly store: FlowPages
  readonly now: () => number
  readonly say: (text: string) => void
  readonly allow: {
    entries(): readonly AllowEntry[]
    spares(target: Target): AllowEntry | undefined
  }
  readonly blockOf: (address: Ip) => { readonly target: Target; readonly reason: string } | undefined
}

/** The rules at work. `desk` is absent where the kernel does not let us enforce any. */
export interface OpenRules {
  readonly desk: RuleDesk | undefined
  readonly drafting: RuleDraftingDesk | undefined
  readonly health: PartHealth
  /** From where the live connections are read: the capture starts later than the rules. */
  see(connections: () => readonly Connection[]): void
  /** Who is told when the rules, the draft or what waits changes. */
  tell(told: (standing: RulesStanding) => void): void
  stop(keep: boolean): void
}

const NO_PRIVILEGE: PartHealth = {
  part: 'rules',
  state: 'off',
  reason: 'No privilege to change the packet filter: rules are not enforced.',
  remedy: 'Start Gatehouse as root: sudo npm start',
}

/** Puts the rules of the file in force, as early as possible, and looks after them once a second. */
export function openRules(options: OpenRulesOptions): OpenRules {
  const { settings, stateFolder, now, say, allow, blockOf } = options
  const enforcer = enforcerOf(`${options.table}_rules`, say)
  if (!enforcer) return noRules(NO_PRIVILEGE)
  let connections: () => readonly Connection[] = () => []
  const desk: RuleDesk = new RuleDesk({
    enforcer,
    files: new RuleFiles(settings.file, stateFolder),
    world: { uidOf: (name) => lookUpUser(name)?.uid, listText: readListText },
    appliesFileChanges: settings.onFileChange === 'apply',
    store: options.store,
    now,
    say,
    blockOf,
    spares: allow.spares,
    link: defaultLink,
    ownAddress: (like) => ownAddress(allow.entries(), like),
    sessions: () => sessionsOf(allow.entries()),
    vital: () =>
      vitalTraffic({
        entries: allow.entries(),
        connections: connections(),
        link: defaultLink(),
        pagePort: options.pagePort,
        at: now(),
      }),
  })
  desk.start()
  const looking = setInterval(() => desk.tick(), LOOK_EVERY_MS)
  let told: (standing: RulesStanding) => void = () => {}
  const drafting = createRuleDrafting({ desk, now, told: (standing) => told(standing) })
  const telling = setInterval(() => drafting.look(), TELL_EVERY_MS)
  return {
    desk,
    drafting,
    get health() {
      return desk.health
    },
    see: (read) => (connections = read),
    tell: (listener) => (told = listener),
    stop(keep) {
      clearInterval(looking)
      clearInterval(telling)
      desk.stop(keep)
    },
  }
}

/** Where nothing is enforced on purpose. */
export const noRules = (health: PartHealth): OpenRules => ({
  desk: undefined,
  drafting: undefined,
  health,
  see: () => {},
  tell: () => {},
  stop: () => {},
})

/** Undefined where the kernel refuses to speak to us about its table. */
function enforcerOf(table: string, say: (text: string) => void): RuleEnforcer | undefined {
  try {
    const enforcer = createRuleEnforcer({ table, onRepair: say })
    // Rehearsed only: rules that an earlier run left stay in force until those of the file take their place.
    if (!enforcer.refusalOf(compile(EMPTY_BOOK, 0))) return enforcer
    enforcer.stop(true)
    return undefined
  } catch (error) {
    if (error instanceof KernelError) return undefined
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
