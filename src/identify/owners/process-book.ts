import type { EventView } from '#kernel/bpf/event.ts'
import { RecentMap } from '#lib/recent-map.ts'
import { ExecutablePaths, type FileIdentity } from './executable-paths.ts'
import {
  type Executable,
  type ProcessDetails,
  type Processes,
  parseArguments,
  parseCommandLine,
  readArguments,
} from './process.ts'

/** One process as far as events and /proc told of it. `details` are replaced when it becomes another program. */
export interface KnownProcess {
  details: ProcessDetails
  cgroup: number
  hasEnded: boolean
}

const MAX_PROCESSES = 16_384
/** Arguments that fill the event may go on: a live process has the rest. */
const EVENT_ARGUMENT_BYTES = 511
const NO_FILE: FileIdentity = { device: 0, inode: 0, generation: 0 }

export interface ProcessBookParts {
  readonly processes: Processes
  /** Path of a v2 control group by its id. */
  readonly cgroupPath: (id: number) => string | undefined
  /** Control groups v1 are in use: their paths are in /proc alone. */
  readonly hasOldCgroups: boolean
  readonly paths?: ExecutablePaths
}

/** Processes by pid, of eBPF events: also those that are over. Bounded: who was not heard of longest makes room. */
export class ProcessBook {
  readonly #parts: ProcessBookParts
  readonly #paths: ExecutablePaths
  readonly #processes = new RecentMap<number, KnownProcess>(MAX_PROCESSES)

  constructor(parts: ProcessBookParts) {
    this.#parts = parts
    this.#paths = parts.paths ?? new ExecutablePaths()
  }

  get size(): number {
    return this.#processes.size
  }

  /** What is known of a pid, dead or alive; from /proc where events have not told. */
  describe(pid: number, now: number): ProcessDetails | undefined {
    return this.#processes.get(pid)?.details ?? this.#parts.processes.describe(pid, now)
  }

  /** Notes who runs already. `pids` as /proc lists them. */
  seed(pids: readonly number[], now: number): void {
    for (const pid of pids.slice(-MAX_PROCESSES)) {
      const details = this.#parts.processes.describe(pid, now)
      if (details) this.#set(pid, { details, cgroup: 0, hasEnded: false })
    }
  }

  /** The process that an event is from. */
  processOf(event: EventView, now: number): KnownProcess {
    const known = this.#processes.get(event.pid)
    if (known && known.details.startTicks === event.startTicks) {
      this.#linkPath(event, known.details.executable)
      this.#moved(known, event)
      return known
    }
    return this.#set(event.pid, {
      details: this.#unheardOf(event, now),
      cgroup: event.cgroup,
      hasEnded: false,
    })
  }

  executed(event: EventView, now: number): void {
    const { pid, parentPid } = event
    const identity = identityOf(event)
    const executable = this.#paths.executed({
      pid,
      parentPid,
      identity,
      filename: event.filename,
      interpreter: event.interpreter,
      lastPart: event.lastPart,
    })
    const words = this.#argumentsOf(event)
    const details: ProcessDetails = {
      ...this.#headOf(event),
      executable,
      commandLine: parseCommandLine(words),
      argumentList: parseArguments(words),
      cgroups: this.#cgroupsOf(event, now),
    }
    this.#set(pid, { details, cgroup: event.cgroup, hasEnded: false })
  }

  ended(event: EventView): void {
    const known = this.#processes.get(event.pid)
    if (known && known.details.startTicks === event.startTicks) known.hasEnded = true
  }

  /** It was there before us, or was forked since: /proc, else the program that its executable or its parent tells. */
  #unheardOf(event: EventView, now: number): ProcessDetails {
    const read = this.#parts.processes.describe(event.pid, now)
    if (read && read.startTicks === event.startTicks) {
      this.#linkPath(event, read.executable)
      return read
    }
    const parent = this.describe(event.parentPid, now)
    return {
      ...this.#headOf(event),
      executable: this.#executableOf(event, parent),
      commandLine: parent?.commandLine ?? '',
      argumentList: parent?.argumentList ?? [],
      cgroups: this.#cgroupsOf(event, now),
    }
  }

  #executableOf(event: EventView, parent: ProcessDetails | undefined): Executable {
    const path = this.#paths.known(identityOf(event))
    if (path !== undefined) return { state: 'there', path }
    // Forked and never became another program, or the kernel would have said.
    if (parent) return parent.executable
    return { state: 'unreadable', because: 'it ended before its path could be read' }
  }

  #headOf(
    event: EventView,
  ): Pick<ProcessDetails, 'pid' | 'parentPid' | 'startTicks' | 'startedAt' | 'uid' | 'shortName'> {
    const { pid, parentPid, startTicks, uid, shortName } = event
    return {
      pid,
      parentPid,
      startTicks,
      startedAt: this.#parts.processes.startedAt(startTicks),
      uid,
      shortName,
    }
  }

  #argumentsOf(event: EventView): Buffer {
    const words = event.arguments
    if (words.length < EVENT_ARGUMENT_BYTES) return words
    const read = readArguments(`/proc/${event.pid}/cmdline`)
    const isSame = read.length >= words.length && read.subarray(0, words.length).equals(words)
    return isSame ? read : words
  }

  /** The v2 path by its id holds when the process is gone; with groups v1 in use the root says nothing. */
  #cgroupsOf(event: EventView, now: number): string {
    const path = this.#parts.cgroupPath(event.cgroup)
    if (path !== undefined && (path !== '/' || !this.#parts.hasOldCgroups)) return `0::${path}\n`
    return this.#parts.processes.cgroupsOf(event.pid) || (this.describe(event.parentPid, now)?.cgroups ?? '')
  }

  /** Into another control group: container engines and systemd move a process before it becomes the program. */
  #moved(known: KnownProcess, event: EventView): void {
    if (known.cgroup === event.cgroup) return
    const isFirst = known.cgroup === 0
    known.cgroup = event.cgroup
    const path = isFirst ? undefined : this.#parts.cgroupPath(event.cgroup)
    if (path !== undefined && path !== '/') known.details = { ...known.details, cgroups: `0::${path}\n` }
  }

  /** A path that is known of a live process serves those that share its executable and do not live. */
  #linkPath(event: EventView, executable: Executable): void {
    const identity = identityOf(event)
    if (executable.state !== 'there' || identity.inode === NO_FILE.inode) return
    if (this.#paths.known(identity) === undefined) this.#paths.note(identity, executable.path)
  }

  #set(pid: number, known: KnownProcess): KnownProcess {
    this.#processes.set(pid, known)
    return known
  }
}

const identityOf = ({ device, inode, generation }: EventView): FileIdentity => ({ device, inode, generation })
