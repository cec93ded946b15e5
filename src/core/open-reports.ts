import { join } from 'node:path'
import { KernelError } from '#kernel/libc.ts'
import { readLinks } from '#kernel/links.ts'
import { openNflog } from '#kernel/nflog.ts'
import { SharedCounter } from '#kernel/nft-shared-counter.ts'
import { readPasswd } from '#kernel/passwd.ts'
import { RecentMap } from '#lib/recent-map.ts'
import { RotatingFile } from '#lib/rotating-file.ts'
import type { Finding } from '#model/finding.ts'
import type { Connection } from '#model/flow.ts'
import type { PartHealth } from '#model/health.ts'
import type { RuleBook } from '#model/rule.ts'
import { alertEvent, flowEvent } from '#report/eve.ts'
import { dropEvent } from '#report/eve-drop.ts'
import { unwrittenLine } from '#report/firewall-line.ts'
import type { ReportSettings } from '#report/settings.ts'
import { FirewallLog } from './firewall-log.ts'
import type { Gate } from './gate.ts'
import { PacketBlocks } from './packet-block.ts'
import { RuleNames } from './rule-names.ts'

/** Enough for all headers of a packet. */
export const SNAP_BYTES = 160
const MEGABYTE = 1_000_000
const FLOWS_REMEMBERED = 16_384
/** How long names of interfaces and users are believed. */
const NAMES_FOR_MS = 5_000

export interface ReportsOptions {
  readonly settings: ReportSettings
  readonly stateFolder: string
  /** The rules at work, where there are any. */
  readonly rules: { readonly book: () => RuleBook; readonly canLog: boolean } | undefined
  readonly gate: Gate
  /** Tables whose counter of this name says what was not handed over. */
  readonly counters: { readonly tables: readonly string[]; readonly name: string }
  readonly now: () => number
}

/** firewall.log and eve.json, and what goes into them. */
export interface Reports {
  readonly log: FirewallLog | undefined
  alert(finding: Finding, action: 'allowed' | 'blocked'): void
  /** Writes those that are over, each once. */
  flows(connections: readonly Connection[]): void
  readonly health: readonly PartHealth[]
  stop(): Promise<void>
}

export function openReports(options: ReportsOptions): Reports {
  const { settings, stateFolder } = options
  const folder = settings.folder ?? join(stateFolder, 'log')
  const bounds = { maxBytes: settings.maxMegabytes * MEGABYTE, kept: settings.keptFiles }
  const text = settings.firewallLog
    ? new RotatingFile({ path: join(folder, 'firewall.log'), ...bounds })
    : undefined
  const eve = settings.eve ? new RotatingFile({ path: join(folder, 'eve.json'), ...bounds }) : undefined
  const heard = text || eve ? hearRules(options, { text, eve }) : undefined
  const files = [text, eve].filter((file) => file !== undefined)
  const written = new RecentMap<number, true>(FLOWS_REMEMBERED)
  return {
    log: heard?.log,
    alert: (finding, action) => eve?.append(alertEvent(finding, action)),
    flows(connections) {
      for (const flow of eve ? connections : []) {
        // One that ended before its program was known comes twice.
        if (flow.ended === undefined || written.get(flow.id)) continue
        written.set(flow.id, true)
        eve?.append(flowEvent(flow))
      }
    },
    get health() {
      return [...(heard ? [heard.log.health] : []), ...files.flatMap(healthOf)]
    },
    async stop() {
      heard?.stop()
      await Promise.all(files.map((file) => file.flush()))
    },
  }
}

type Files = { readonly [Name in 'text' | 'eve']: RotatingFile | undefined }

function hearRules({ settings, rules, gate, counters, now }: ReportsOptions, { text, eve }: Files) {
  if (!rules?.canLog) return undefined
  const unwritten = counters.tables.map((table) => new SharedCounter(table, counters.name))
  const links = remembered(() => new Map(linksNow().map(({ index, name }) => [index, name])), now)
  const users = remembered(() => new Map(readPasswd().map(({ uid, name }) => [uid, name])), now)
  const [names, blocks] = [new RuleNames(rules.book), new PacketBlocks(gate)]
  const log = new FirewallLog({
    because: (prefix, hook, packet) => blocks.blockBehind(prefix, hook, packet) ?? names.ruleOf(prefix, hook),
    open: (hear) => openNflog({ group: settings.nflogGroup, snapBytes: SNAP_BYTES, ...hear }),
    unwritten: unwritten.map((counter) => () => counter.read()),
    packetsPerSecond: settings.packetsPerSecond,
    linkName: (index) => links().get(index),
    userName: (uid) => users().get(uid),
    write(packet, line) {
      text?.append(line)
      eve?.append(dropEvent(packet))
    },
    writeUnwritten: (packets, at) =>
      text?.append(unwrittenLine(packets, { at, perSecond: settings.packetsPerSecond })),
    file: text?.path,
    now,
  })
  log.start()
  return {
    log,
    stop() {
      log.stop()
      for (const counter of unwritten) counter.close()
    },
  }
}

function healthOf(file: RotatingFile): PartHealth[] {
  if (file.trouble === undefined) return []
  return [
    {
      part: 'reports',
      state: 'degraded',
      reason: `${file.path} cannot be written: ${file.trouble} (${file.lost} lines lost)`,
      remedy: 'Free space or correct the rights of its folder: it goes on by itself',
    },
  ]
}

/** Reads anew what is older than a few seconds, when somebody asks. */
function remembered<Value>(read: () => Value, now: () => number): () => Value {
  let [value, readAt]: [Value | undefined, number] = [undefined, 0]
  return () => {
    if (value === undefined || Math.abs(now() - readAt) > NAMES_FOR_MS) {
      value = read()
      readAt = now()
    }
    return value
  }
}

function linksNow(): ReturnType<typeof readLinks> {
  try {
    return readLinks()
  } catch (error) {
    if (error instanceof KernelError) return []
    throw error
  }
}
