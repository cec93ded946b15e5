import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { KernelError } from '#kernel/libc.ts'
import { PacketQueue } from '#kernel/nfqueue.ts'
import { outgoingEnds } from '#kernel/nfqueue-packet.ts'
import { QueueTable } from '#kernel/nfqueue-table.ts'
import { setThreadNice } from '#kernel/priority.ts'
import { ProcFds } from '#kernel/proc-fds.ts'
import { SocketDiag } from '#kernel/sock-diag.ts'
import { FirstPackets, type HeldPacket, parseLastPid } from './first-packets.ts'
import { type ProcessDetails, Processes } from './process.ts'

/** What this process writes on stdout, one JSON line each. */
export type HoldReport =
  | { readonly kind: 'ready' }
  /** The kernel does not have it: it makes no sense to try again. */
  | { readonly kind: 'unable'; readonly reason: string }
  /** Packets name it by this number from now on. */
  | { readonly kind: 'process'; readonly number: number; readonly details: ProcessDetails }
  | { readonly kind: 'held'; readonly key: string; readonly inode: number; readonly process: number }
  /** Somebody sent, and nobody looked who, or could say it. */
  | { readonly kind: 'passed' }
  /** It lives. */
  | { readonly kind: 'beat' }

const BEAT_MS = 500
const AHEAD_OF_OTHERS = -20
/** What nobody reads is not kept: packets wait for us, not for our reader. */
const MOST_UNREAD_BYTES = 4 << 20

/** Not `process.stdout`: that waits for its reader. */
const output = new Socket({ fd: 1, readable: false })

/**
 * A process of its own, since others wait for it: however it ends, hangs and is killed, or its parent ends, the kernel
 * takes queue and table away and packets pass.
 */
function main(): void {
  process.stdin.on('end', () => process.exit(0)).resume()
  output.on('error', () => process.exit(0))
  setThreadNice(AHEAD_OF_OTHERS)
  try {
    hold()
  } catch (refused) {
    if (!(refused instanceof KernelError)) throw refused
    tell({ kind: 'unable', reason: `${refused.message} (${refused.code})` })
    output.end(() => process.exit(1))
    return
  }
  tell({ kind: 'ready' })
  setInterval(() => tell({ kind: 'beat' }), BEAT_MS)
}

function hold(): void {
  const packets = new FirstPackets({
    diag: new SocketDiag(),
    fds: new ProcFds(),
    processes: new Processes(),
    lastPid: () => parseLastPid(readFileSync('/proc/loadavg', 'utf8')),
    clock: () => performance.now(),
    cpuMs,
  })
  const queue = new PacketQueue()
  let isLine = false
  let havePassed = false
  const lineIsEmpty = (): void => {
    isLine = false
    packets.lineIsEmpty()
    if (havePassed) havePassed = !tell({ kind: 'passed' })
  }
  queue.onPacket((id, view, start, end) => {
    if (!isLine) setImmediate(lineIsEmpty)
    isLine = true
    const ends = outgoingEnds(view, start, end)
    const found = ends ? packets.look(ends) : 'unknown'
    queue.accept(id)
    if (found === 'passed') havePassed = true
    else if (found !== 'unknown') havePassed = !tellHeld(found) || havePassed
  })
  new QueueTable().install(queue.number)
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

const numbers = new WeakMap<ProcessDetails, number>()
let processes = 0

/** Each process is described once. */
function tellHeld({ key, inode, details }: HeldPacket): boolean {
  let number = numbers.get(details)
  if (number === undefined) {
    number = ++processes
    if (!tell({ kind: 'process', number, details })) return false
    numbers.set(details, number)
  }
  return tell({ kind: 'held', key, inode, process: number })
}

function tell(report: HoldReport): boolean {
  if (output.writableLength > MOST_UNREAD_BYTES) return false
  output.write(`${JSON.stringify(report)}\n`)
  return true
}

main()
