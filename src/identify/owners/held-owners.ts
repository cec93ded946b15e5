import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type NodeChild, startNodeChild } from '#kernel/node-child.ts'
import { RecentMap } from '#lib/recent-map.ts'
import { Restart } from '#lib/restart.ts'
import type { PartHealth } from '#model/health.ts'
import type { Owner, SocketKey } from '#model/owner.ts'
import type { HoldReport } from './hold-process.ts'
import { keyText } from './owner-cache.ts'
import type { OwnerMaker } from './owner-maker.ts'
import type { FoundSocket, OwnerSource } from './owner-source.ts'
import type { ProcessDetails } from './process.ts'

export interface HeldOwnersParts {
  readonly maker: OwnerMaker
  /** Milliseconds, monotonic. */
  readonly clock: () => number
  /** The next best, opened when packets cannot be held here. */
  readonly instead: () => OwnerSource | undefined
  /** Told whenever `health` has changed. */
  readonly changed: () => void
  /** The file that runs in the process. */
  readonly script?: string
}

const SCRIPT = fileURLToPath(new URL('./hold-process.ts', import.meta.url))
const MAX_SOCKETS = 65_536
const MAX_PROCESSES = 16_384
const LOOK_EVERY_MS = 1_000
/** It says every half second that it lives. While it hangs, connections wait for it. */
const SILENT_MS = 3_000

type State =
  | { readonly is: 'starting' }
  | { readonly is: 'holding' }
  | { readonly is: 'unable'; readonly because: string }
  | { readonly is: 'ended'; readonly because: string }

/**
 * Owners where eBPF is not to be had: a process of ours holds the first packet of each connection in the kernel until
 * it knows who sent it, so that a program is found however short it lives.
 */
export class HeldOwners implements OwnerSource {
  readonly name = 'queue'
  readonly #parts: HeldOwnersParts
  readonly #processes = new RecentMap<number, ProcessDetails>(MAX_PROCESSES)
  readonly #byKey = new RecentMap<string, ProcessDetails>(MAX_SOCKETS)
  readonly #byInode = new RecentMap<number, ProcessDetails>(MAX_SOCKETS)
  readonly #restart: Restart
  readonly #watchdog: NodeJS.Timeout
  #child: NodeChild | undefined
  #heardAt = 0
  #state: State = { is: 'starting' }
  #instead: OwnerSource | undefined
  #isClosed = false

  constructor(parts: HeldOwnersParts) {
    this.#parts = parts
    this.#restart = new Restart({ start: () => this.#start(), now: parts.clock })
    this.#start()
    this.#watchdog = setInterval(() => this.#killSilent(), LOOK_EVERY_MS)
  }

  /** Whether programs that live a moment are seen. */
  get isExact(): boolean {
    return this.#state.is === 'starting' || this.#state.is === 'holding'
  }

  known(socket: FoundSocket, now: number): Owner | undefined {
    const details = this.#byInode.get(socket.inode)
    return details ? this.#parts.maker.ownerOf(details, now) : this.#instead?.known(socket, now)
  }

  learn(sockets: readonly FoundSocket[], now: number): void {
    this.#instead?.learn(sockets, now)
  }

  remembered(key: SocketKey, now: number): Owner | undefined {
    const details = this.#byKey.get(keyText(key))
    return details ? this.#parts.maker.ownerOf(details, now) : this.#instead?.remembered?.(key, now)
  }

  health(): PartHealth {
    const state = this.#state
    if (state.is === 'starting' || state.is === 'holding') {
      return {
        part: 'owners',
        state: 'ok',
        note: 'the first packet of each connection waits a moment, until its program is known (NFQUEUE)',
      }
    }
    return {
      part: 'owners',
      state: 'degraded',
      reason:
        state.is === 'ended'
          ? `programs that live a moment only are missed for now: the process that looks for them ended: ${state.because}`
          : `packets cannot be held until their program is known: ${state.because}`,
      remedy:
        state.is === 'ended'
          ? 'none needed: it is started again'
          : 'use a kernel with NFQUEUE (nfnetlink_queue, xt_NFQUEUE or nft_queue), and run Gatehouse as root',
    }
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#watchdog)
    this.#restart.stop()
    this.#child?.kill('SIGKILL')
    this.#instead?.close()
  }

  #start(): void {
    const child = startNodeChild(this.#parts.script ?? SCRIPT)
    this.#child = child
    this.#heardAt = this.#parts.clock()
    this.#restart.began()
    child.stdin.on('error', () => {})
    createInterface({ input: child.stdout }).on('line', (line) => this.#hear(JSON.parse(line) as HoldReport))
    child.on('error', (error) => this.#ended(error.message))
    child.on('exit', (code, signal) => this.#ended(signal ?? `exit code ${code}`))
  }

  #hear(report: HoldReport): void {
    this.#heardAt = this.#parts.clock()
    if (report.kind === 'ready') this.#become({ is: 'holding' })
    if (report.kind === 'unable') this.#giveUp(report.reason)
    if (report.kind === 'process') this.#processes.set(report.number, report.details)
    if (report.kind === 'held') this.#held(report)
    // A connection on the five numbers of an older one may be among them.
    if (report.kind === 'passed') this.#byKey.clear()
  }

  #giveUp(because: string): void {
    this.#instead ??= this.#parts.instead()
    this.#become({ is: 'unable', because })
  }

  #held({ key, inode, process }: Extract<HoldReport, { kind: 'held' }>): void {
    const details = this.#processes.get(process)
    this.#byKey.delete(key)
    if (!details) return
    this.#byKey.set(key, details)
    this.#byInode.set(inode, details)
  }

  #ended(because: string): void {
    if (this.#isClosed || this.#state.is === 'unable') return
    this.#processes.clear()
    this.#byKey.clear()
    this.#restart.ended()
    this.#become({ is: 'ended', because })
  }

  #killSilent(): void {
    if (this.isExact && this.#parts.clock() - this.#heardAt > SILENT_MS) this.#child?.kill('SIGKILL')
  }

  #become(state: State): void {
    this.#state = state
    this.#parts.changed()
  }
}
