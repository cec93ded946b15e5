import { readFileSync, realpathSync } from 'node:fs'
import { z } from 'zod'
import { Refused } from '#api/port.ts'
import type { Watchdog } from '#api/watchdog-port.ts'
import type { Outcome } from '#contract/schemas.ts'
import type { WatchedProgram as ShownProgram, WatchRequest } from '#contract/watchdog.ts'
import { type ProgramEnforcer, ProgramsUnavailable } from '#enforce/programs.ts'
import { writeAtomically } from '#lib/atomic-file.ts'
import type { Decision } from '#model/decision.ts'
import type { PartHealth } from '#model/health.ts'
import {
  decisionTarget,
  parseWatchedRule,
  ruleOfDecision,
  type WatchedProgram,
  type WatchedRule,
  watchedText,
} from '#model/watched-program.ts'
import type { Gate } from './gate.ts'

export interface WatchdogParts {
  readonly enforcer: ProgramEnforcer
  /** Where the entries are kept, so that the next run goes on with them. */
  readonly file: string
  readonly note: Gate['note']
  readonly now: () => number
}

export interface WatchdogDesk extends Watchdog {
  /** Takes a `watch` or `unwatch` back. */
  undo(decision: Decision, actor: string): Promise<Outcome>
  sweep(): void
  readonly health: PartHealth
  stop(): void
}

/** Each is looked at on every start of a program. */
const MAX_WATCHED = 256

const Rule = z.discriminatedUnion('by', [
  z.object({ by: z.literal('path'), path: z.string() }),
  z.object({
    by: z.literal('hash'),
    sha256: z.string(),
    bytes: z.number().optional(),
    seenAt: z.string().optional(),
  }),
  z.object({ by: z.literal('name'), name: z.string() }),
])
const File = z.array(
  z.object({ rule: Rule, actor: z.string(), reason: z.string(), since: z.number(), decisionId: z.number() }),
)

/** Opens what earlier runs were asked to watch, and watches it again. */
export function openWatchdog(parts: WatchdogParts): WatchdogDesk {
  return new Desk(parts)
}

class Desk implements WatchdogDesk {
  readonly #parts: WatchdogParts
  readonly #watched = new Map<string, WatchedProgram>()
  #trouble: string | undefined

  constructor(parts: WatchdogParts) {
    this.#parts = parts
    for (const watched of this.#remembered()) this.#watched.set(watchedText(watched.rule), watched)
    for (const { rule } of this.#watched.values()) {
      try {
        parts.enforcer.watch(rule)
      } catch (refused) {
        // Its health says so; the next start tries again.
        if (!(refused instanceof ProgramsUnavailable)) throw refused
      }
    }
  }

  list(): ShownProgram[] {
    return [...this.#watched.values()]
      .sort((one, other) => other.since - one.since)
      .map(({ rule, ...rest }) => {
        const { files, ...tally } = this.#parts.enforcer.tally(rule)
        return { program: watchedText(rule), by: rule.by, ...rest, ...tally, files: [...files] }
      })
  }

  async add(request: WatchRequest, actor: string): Promise<Outcome> {
    const rule = await this.#ruleOf(request)
    const text = watchedText(rule)
    await this.#refuse(rule)
    if (request.dryRun)
      return {
        sentence: `All that ${text} has open would be closed, and it could connect no more.`,
        closedConnections: 0,
      }
    return this.#watch(rule, { actor, reason: request.reason ?? 'watched by hand' })
  }

  async remove(program: string, dryRun: boolean, actor: string): Promise<Outcome> {
    const parsed = parseWatchedRule(program)
    const watched = parsed && this.#watched.get(watchedText(parsed))
    if (!watched) throw notWatched(program)
    const text = watchedText(watched.rule)
    if (dryRun) return { sentence: `${text} could connect again.`, closedConnections: 0 }
    return this.#lift(watched, { actor, reason: 'let go by hand' })
  }

  async undo(decision: Decision, actor: string): Promise<Outcome> {
    const rule = ruleOfDecision(decision.target)
    if (!rule) throw notWatched(decision.target)
    const by = { actor, reason: `undid decision ${decision.id}`, undoes: decision.id }
    return decision.kind === 'watch' ? this.#undoWatch(rule, by) : this.#undoLift(rule, by)
  }

  sweep(): void {
    this.#parts.enforcer.sweep()
  }

  get health(): PartHealth {
    if (this.#trouble === undefined) return this.#parts.enforcer.health
    return {
      part: 'watchdog',
      state: 'degraded',
      reason: this.#trouble,
      remedy: `mend ${this.#parts.file}, or move it away, and start again`,
    }
  }

  stop(): void {
    this.#parts.enforcer.close()
  }

  async #undoWatch(rule: WatchedRule, by: Acting): Promise<Outcome> {
    const watched = this.#watched.get(watchedText(rule))
    if (!watched) throw notWatched(watchedText(rule))
    return this.#lift(watched, by)
  }

  async #undoLift(rule: WatchedRule, by: Acting): Promise<Outcome> {
    await this.#refuse(rule)
    return this.#watch(rule, by)
  }

  async #watch(rule: WatchedRule, by: Acting): Promise<Outcome> {
    const text = watchedText(rule)
    let closed: number
    try {
      closed = this.#parts.enforcer.watch(rule)
    } catch (refused) {
      if (!(refused instanceof ProgramsUnavailable)) throw refused
      this.#parts.enforcer.lift(rule)
      throw new Refused(503, refused.message, refused.hint)
    }
    const { decision, recorded } = this.#parts.note({ kind: 'watch', target: decisionTarget(rule), ...by })
    const { actor, reason } = by
    this.#watched.set(text, { rule, actor, reason, since: this.#parts.now(), decisionId: decision.id })
    this.#keep()
    await recorded
    return outcome(decision, `${text} is kept off the network until you lift it.`, closed)
  }

  async #lift({ rule }: WatchedProgram, by: Acting): Promise<Outcome> {
    this.#parts.enforcer.lift(rule)
    this.#watched.delete(watchedText(rule))
    this.#keep()
    const { decision, recorded } = this.#parts.note({ kind: 'unwatch', target: decisionTarget(rule), ...by })
    await recorded
    return outcome(decision, `${watchedText(rule)} can connect again.`, 0)
  }

  async #ruleOf({ program, byHash }: WatchRequest): Promise<WatchedRule> {
    const rule = parseWatchedRule(program)
    if (!rule) {
      throw new Refused(
        400,
        `${JSON.stringify(program)} names no program.`,
        'Write a path such as /usr/bin/telnet, a name such as telnet, or the 64 digits of a SHA-256.',
      )
    }
    if (rule.by !== 'path') {
      if (!byHash) return rule
      throw new Refused(
        400,
        `${program} is no path: its content cannot be read.`,
        'Give the path of a file with --by-hash.',
      )
    }
    const path = realPathOf(rule.path)
    if (!byHash) return { by: 'path', path }
    const hash = await this.#parts.enforcer.hashOf(path)
    if (hash) return { by: 'hash', ...hash, seenAt: path }
    throw new Refused(
      404,
      `${path} cannot be read.`,
      'Is it there, and a file? Without --by-hash a path need not exist yet.',
    )
  }

  async #refuse(rule: WatchedRule): Promise<void> {
    const text = watchedText(rule)
    if (this.#watched.has(text))
      throw new Refused(409, `${text} is watched already.`, 'See: gatehouse watchdog list')
    if (this.#watched.size >= MAX_WATCHED)
      throw new Refused(
        409,
        `${MAX_WATCHED} programs are watched: there is no room for more.`,
        'Lift one: gatehouse watchdog remove PROGRAM',
      )
    const spared = await this.#parts.enforcer.whySpared(rule)
    if (spared !== undefined)
      throw new Refused(
        409,
        `${text} cannot be watched. ${spared}.`,
        'Close single connections instead: gatehouse close ID',
      )
  }

  #keep(): void {
    try {
      writeAtomically(this.#parts.file, `${JSON.stringify([...this.#watched.values()], undefined, 2)}\n`)
      this.#trouble = undefined
    } catch (failed) {
      this.#trouble = `what is watched will be forgotten at the next start: ${(failed as Error).message}`
    }
  }

  #remembered(): readonly WatchedProgram[] {
    try {
      return File.parse(JSON.parse(readFileSync(this.#parts.file, 'utf8'))) as readonly WatchedProgram[]
    } catch (failed) {
      if ((failed as NodeJS.ErrnoException).code === 'ENOENT') return []
      this.#trouble = `programs that were watched are free: ${this.#parts.file} cannot be read`
      return []
    }
  }
}

interface Acting {
  readonly actor: string
  readonly reason: string
  readonly undoes?: number
}

/** What the path leads to; itself where nothing is yet. */
function realPathOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

const notWatched = (program: string): Refused =>
  new Refused(404, `${program} is not watched.`, 'See what is: gatehouse watchdog list')

const outcome = (decision: Decision, sentence: string, closedConnections: number): Outcome => ({
  decision,
  sentence,
  closedConnections,
  undo: `/api/v1/decisions/${decision.id}/undo`,
})
