import { existsSync, readFileSync, renameSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { KernelError } from '#kernel/libc.ts'
import { NETLINK, NetlinkSocket } from '#kernel/netlink.ts'
import { GUARD_READY, GUARD_STOP, type GuardOrder } from './guard-order.ts'

/**
 * A process of its own, started before rules change. It holds the way back as the bytes of one transaction, and sends
 * them when its time is over and nobody confirmed: also when the daemon is dead, killed or hangs. It knows nothing
 * else. Its first line of input is a `GuardOrder`; `stop` ends it.
 */

const SEND_BUFFER_BYTES = 256 << 20
/** A daemon that lives goes back by itself, and says so. This is for one that hangs. */
const GRACE_MS = 1_500

const { stdin, stdout } = process
let isDaemonGone = false
let isOrdered = false

// The daemon may die between any two bytes.
stdout.on('error', () => {})
stdin.on('error', () => {})
const lines = createInterface({ input: stdin })
lines.on('line', (line) => {
  if (line === GUARD_STOP) process.exit(0)
  if (isOrdered) return
  isOrdered = true
  keepWatch(JSON.parse(line) as GuardOrder)
})
lines.on('close', () => {
  isDaemonGone = true
  if (!isOrdered) process.exit(0)
})

function keepWatch(order: GuardOrder): void {
  // Opened now: whatever becomes of rights and memory later, the way into the kernel is there.
  const socket = new NetlinkSocket(NETLINK.netfilter, { bufferBytes: SEND_BUFFER_BYTES })
  const transaction = Buffer.from(order.transaction, 'base64')
  const act = (): never => {
    goBack(order, () => socket.send(transaction))
    process.exit(0)
  }
  setTimeout(() => (isDaemonGone ? act() : setTimeout(act, GRACE_MS)), order.seconds * 1000)
  stdout.write(`${GUARD_READY}\n`)
}

/** Only while the change that we guard is still the one that waits: somebody may have settled it without us. */
function goBack({ id, pendingFile, rolledBackFile }: GuardOrder, send: () => void): void {
  if (pendingIdOf(pendingFile) !== id) return
  try {
    send()
    renameSync(pendingFile, rolledBackFile)
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
  }
}

function pendingIdOf(file: string): string | undefined {
  if (!existsSync(file)) return undefined
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly id?: string }).id
}
