import { closeSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ProgramRefused } from '#kernel/bpf/bpf.ts'
import { BtfError } from '#kernel/bpf/btf.ts'
import { DeniedPrograms } from '#kernel/bpf/denied-programs.ts'
import { EventView } from '#kernel/bpf/event.ts'
import type { ExecutableIdentity } from '#kernel/bpf/executable-watch.ts'
import { KernelError, watchReadable } from '#kernel/libc.ts'
import { ProcFds } from '#kernel/proc-fds.ts'
import { SocketDestroyer } from '#kernel/sock-destroy.ts'
import { RecentMap } from '#lib/recent-map.ts'
import type { PartHealth } from '#model/health.ts'
import { type WatchedRule, watchedText } from '#model/watched-program.ts'
import { isNamedBy, linkedPath, type OpenProgram, openProgram, ProgramHashes } from './programs-files.ts'
import { type SparedProgram, sparedPrograms, whyVital } from './programs-spared.ts'

/** What a rule did so far. */
export interface ProgramTally {
  /** Calls that got EPERM. */
  readonly refusals: number
  /** Connections that were open, or slipped through, and were closed. */
  readonly closed: number
  /** Where its executables were seen. */
  readonly files: readonly string[]
  /** Why something that it names keeps its connections all the same. */
  readonly spared?: string
}

/** Keeps programs off the network. */
export interface ProgramEnforcer {
  /**
   * From now on: what the rule names cannot connect, and what it has open is closed; answers how many. Calling again
   * changes nothing. Throws `ProgramsUnavailable` where the kernel cannot do it.
   */
  watch(rule: WatchedRule): number
  lift(rule: WatchedRule): void
  tally(rule: WatchedRule): ProgramTally
  /** Why this rule must not be: it would hit what everything hangs on. */
  whySpared(rule: WatchedRule): Promise<string | undefined>
  /** SHA-256 and length of a file; undefined when it cannot be read. */
  hashOf(path: string): Promise<{ readonly sha256: string; readonly bytes: number } | undefined>
  /** Finds what no event told of, and closes what is open again. Call once a second. */
  sweep(): void
  readonly health: PartHealth
  close(): void
}

/** This kernel, or our privilege, does not allow it; `hint` says what would. */
export class ProgramsUnavailable extends Error {
  override readonly name = 'ProgramsUnavailable'
  readonly hint = 'Start Gatehouse as root, on a kernel of 5.15 or later with BTF; see gatehouse doctor.'
}

export interface ProgramEnforcerOptions {
  /** Folder of the control group that is judged; absent: the root, which is everybody. */
  readonly cgroup?: string
  readonly spared?: () => readonly SparedProgram[]
}

interface Denied {
  readonly identity: ExecutableIdentity
  /** As stat(2) has them. */
  readonly device: number
  readonly inode: number
  readonly path: string
  readonly rules: Set<string>
}

const MAX_JUDGED = 8_192
const MAX_COUNTED = 8_192
/** Where a name is looked for before anything of that name has run. */
const PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/snap/bin']

export function createProgramEnforcer(options: ProgramEnforcerOptions = {}): ProgramEnforcer {
  return new ProgramDenier(options)
}

class ProgramDenier implements ProgramEnforcer {
  readonly #options: ProgramEnforcerOptions
  readonly #rules = new Map<string, WatchedRule>()
  readonly #denied = new Map<string, Denied>()
  readonly #hashes = new ProgramHashes()
  /** By the file as it was seen: the denied executable that it is, or `innocent`. */
  readonly #judged = new RecentMap<string, Denied | 'innocent'>(MAX_JUDGED)
  readonly #closed = new Map<string, number>()
  readonly #spared = new Map<string, string>()
  /** Cookies: one socket counts once, also when it has to be closed again. */
  readonly #counted = new RecentMap<bigint, true>(MAX_COUNTED)
  readonly #fds = new ProcFds()
  readonly #event = new EventView()
  #kernel: DeniedPrograms | undefined
  #ringWatch: { close(): void } | undefined
  #destroyer: SocketDestroyer | undefined
  #trouble: string | undefined

  constructor(options: ProgramEnforcerOptions) {
    this.#options = options
  }

  watch(rule: WatchedRule): number {
    this.#open()
    const text = watchedText(rule)
    this.#rules.set(text, rule)
    this.#judged.clear()
    const before = this.#closed.get(text) ?? 0
    this.sweep()
    return (this.#closed.get(text) ?? 0) - before
  }

  lift(rule: WatchedRule): void {
    const text = watchedText(rule)
    this.#rules.delete(text)
    this.#closed.delete(text)
    this.#spared.delete(text)
    this.#judged.clear()
    for (const denied of [...this.#denied.values()]) {
      denied.rules.delete(text)
      if (denied.rules.size === 0) this.#allow(denied)
    }
    if (this.#rules.size === 0) this.close()
  }

  tally(rule: WatchedRule): ProgramTally {
    const text = watchedText(rule)
    const mine = [...this.#denied.values()].filter(({ rules }) => rules.has(text))
    const spared = this.#spared.get(text)
    return {
      refusals: mine.reduce((sum, { identity }) => sum + (this.#kernel?.refusals(identity) ?? 0), 0),
      closed: this.#closed.get(text) ?? 0,
      files: [...new Set(mine.map(({ path }) => path))],
      ...(spared !== undefined && { spared }),
    }
  }

  async whySpared(rule: WatchedRule): Promise<string | undefined> {
    const vital = rule.by === 'hash' ? undefined : whyVital(basename(watchedText(rule)))
    if (vital !== undefined) return vital
    for (const spared of this.#sparedNow()) if (await this.#names(rule, spared)) return whyText(spared)
    return undefined
  }

  async hashOf(path: string): Promise<{ readonly sha256: string; readonly bytes: number } | undefined> {
    const file = openProgram(path)
    if (!file) return undefined
    try {
      const sha256 = await this.#hashes.hash(file)
      return sha256 === undefined ? undefined : { sha256, bytes: file.bytes }
    } finally {
      closeSync(file.fd)
    }
  }

  sweep(): void {
    if (this.#rules.size === 0) return
    this.#releaseSpared()
    // Who was spared may not need it any more.
    if (this.#spared.size > 0) this.#judged.clear()
    this.#spared.clear()
    for (const rule of this.#rules.values()) for (const path of seedsOf(rule)) this.#judgeAt(path)
    const pids = this.#fds.pids().flatMap((pid) => {
      const denied = this.#judgeAt(`/proc/${pid}/exe`)
      return denied ? [{ pid, denied }] : []
    })
    this.#closeSockets(pids)
  }

  get health(): PartHealth {
    const part = 'watchdog'
    if (this.#trouble !== undefined) {
      return {
        part,
        state: 'degraded',
        reason: `programs are not kept off the network: ${this.#trouble}`,
        remedy: new ProgramsUnavailable().hint,
      }
    }
    const count = this.#rules.size
    return {
      part,
      state: 'ok',
      note: count === 0 ? 'no program is watched' : `${count} programs are watched`,
    }
  }

  close(): void {
    this.#ringWatch?.close()
    this.#kernel?.close()
    this.#destroyer?.close()
    this.#ringWatch = undefined
    this.#kernel = undefined
    this.#destroyer = undefined
    this.#denied.clear()
    this.#judged.clear()
  }

  #open(): void {
    if (this.#kernel) return
    const { cgroup } = this.#options
    try {
      this.#destroyer ??= new SocketDestroyer()
      this.#kernel = new DeniedPrograms(cgroup === undefined ? {} : { cgroup })
    } catch (cause) {
      const isKnown =
        cause instanceof KernelError || cause instanceof BtfError || cause instanceof ProgramRefused
      if (!isKnown) throw cause
      this.#trouble = cause.message
      throw new ProgramsUnavailable(`The kernel does not keep programs off the network: ${cause.message}.`, {
        cause,
      })
    }
    this.#trouble = undefined
    this.#ringWatch = watchReadable(this.#kernel.fd, () => this.#kernel?.drainStarts(this.#started))
  }

  readonly #started = (view: DataView, start: number, length: number): void => {
    const event = this.#event
    if (!event.moveTo(view, start, length)) return
    const { pid, filename } = event
    const denied = this.#judgeAt(`/proc/${pid}/exe`)
    if (denied) this.#closeSockets([{ pid, denied }])
    // It is over already: by the name that it was started by, so that the next time is the last.
    else if (filename.startsWith('/')) this.#judgeAt(filename)
  }

  /** The denied executable that this is, as far as is known at once. */
  #judgeAt(at: string): Denied | undefined {
    const path = linkedPath(at)
    const key = seenKey(at, path)
    if (key === undefined) return undefined
    const judged = this.#judged.get(key)
    if (judged) return judged === 'innocent' ? undefined : judged
    const file = openProgram(at, path)
    if (!file) return undefined
    const verdict = this.#judge(file)
    if (verdict === 'by its content') {
      void this.#judgeContent(file, key)
      return undefined
    }
    this.#judged.set(key, verdict ?? 'innocent')
    closeSync(file.fd)
    return verdict
  }

  async #judgeContent(file: OpenProgram, key: string): Promise<void> {
    try {
      // Not twice while it is read.
      this.#judged.set(key, 'innocent')
      if ((await this.#hashes.hash(file)) === undefined) {
        this.#judged.delete(key)
        return
      }
      const verdict = this.#judge(file)
      if (verdict === undefined || verdict === 'by its content') return
      this.#judged.set(key, verdict)
      this.sweep()
    } catch (cause) {
      this.#judged.delete(key)
      this.#trouble = `${file.path} cannot be read: ${(cause as Error).message}`
    } finally {
      closeSync(file.fd)
    }
  }

  #judge(file: OpenProgram): Denied | undefined | 'by its content' {
    const sha256 = this.#hashes.known(file)
    let needsHash = false
    const named = [...this.#rules].filter(([, rule]) => {
      const answer = isNamedBy(rule, file)
      if (answer !== 'by its content') return answer
      if (sha256 === undefined) needsHash = true
      return rule.by === 'hash' && rule.sha256 === sha256
    })
    if (named.length > 0)
      return this.#deny(
        file,
        named.map(([text]) => text),
      )
    if (needsHash) return 'by its content'
    this.#releaseChanged(file)
    return undefined
  }

  #deny(file: OpenProgram, rules: readonly string[]): Denied | undefined {
    const spared = this.#sparedNow().find((one) => isSame(one, file))
    if (spared) {
      for (const rule of rules) this.#spared.set(rule, whyText(spared))
      return undefined
    }
    const identity = this.#kernel?.identityOf(file.fd)
    if (!this.#kernel || !identity) return undefined
    const key = identityKey(identity)
    const { device, inode, path } = file
    const denied = this.#denied.get(key) ?? { identity, device, inode, path, rules: new Set() }
    for (const rule of rules) denied.rules.add(rule)
    try {
      this.#kernel.deny(identity)
    } catch (cause) {
      if (!(cause instanceof KernelError)) throw cause
      this.#trouble = `${path} could not be added: ${cause.message}`
      return undefined
    }
    this.#denied.set(key, denied)
    return denied
  }

  #allow(denied: Denied): void {
    this.#kernel?.allow(denied.identity)
    this.#denied.delete(identityKey(denied.identity))
  }

  /** A file that a rule named by its content has another content now. */
  #releaseChanged(file: OpenProgram): void {
    for (const denied of [...this.#denied.values()]) {
      const isByContent = [...denied.rules].every((text) => this.#rules.get(text)?.by === 'hash')
      if (isByContent && isSame(denied, file)) this.#allow(denied)
    }
  }

  /** Somebody has logged in with a denied program, or it became process 1 of a container's host: it is let go. */
  #releaseSpared(): void {
    if (this.#denied.size === 0) return
    const spared = this.#sparedNow()
    for (const denied of [...this.#denied.values()]) {
      const by = spared.find((one) => isSame(one, denied))
      if (!by) continue
      for (const rule of denied.rules) this.#spared.set(rule, whyText(by))
      this.#allow(denied)
      this.#judged.clear()
    }
  }

  #closeSockets(holders: readonly { readonly pid: number; readonly denied: Denied }[]): void {
    for (const { pid, denied } of holders) {
      const inodes = new Set<number>()
      this.#fds.eachSocket(pid, (inode) => inodes.add(inode))
      if (inodes.size === 0) continue
      for (const cookie of this.#destroyer?.destroyHeldBy(inodes).closed ?? []) this.#count(cookie, denied)
    }
  }

  #count(cookie: bigint, { rules }: Denied): void {
    if (this.#counted.get(cookie)) return
    this.#counted.set(cookie, true)
    for (const rule of rules) this.#closed.set(rule, (this.#closed.get(rule) ?? 0) + 1)
  }

  #sparedNow(): readonly SparedProgram[] {
    return (this.#options.spared ?? sparedPrograms)()
  }

  async #names(rule: WatchedRule, spared: SparedProgram): Promise<boolean> {
    if (rule.by === 'name') return rule.name === basename(spared.path)
    if (rule.by === 'path') {
      if (rule.path === spared.path) return true
      const file = openProgram(rule.path)
      if (file) closeSync(file.fd)
      return file !== undefined && isSame(spared, file)
    }
    if (rule.bytes !== undefined && rule.bytes !== spared.bytes) return false
    return (await this.hashOf(spared.at))?.sha256 === rule.sha256
  }
}

function seedsOf(rule: WatchedRule): readonly string[] {
  if (rule.by === 'path') return [rule.path]
  if (rule.by === 'name') return PATH.map((folder) => join(folder, rule.name))
  return rule.seenAt === undefined ? [] : [rule.seenAt]
}

/** The file and the name that it goes by: rules ask for both. */
function seenKey(at: string, path: string): string | undefined {
  try {
    const { dev, ino, size, mtimeMs } = statSync(at)
    return `${dev} ${ino} ${size} ${mtimeMs} ${path}`
  } catch {
    // A kernel thread, gone, or never there.
    return undefined
  }
}

interface SameFile {
  readonly device: number
  readonly inode: number
}

const isSame = (one: SameFile, other: SameFile): boolean =>
  one.device === other.device && one.inode === other.inode
const identityKey = ({ device, inode, generation }: ExecutableIdentity): string =>
  `${device} ${inode} ${generation}`
const whyText = ({ path, because }: SparedProgram): string => `${path} keeps its connections: ${because}`
