import { existsSync, renameSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { KernelError } from '#kernel/libc.ts'
import { NETLINK, NetlinkSocket } from '#kernel/netlink.ts'
import type { CrashOrder } from './crash-order.ts'
import { GUARD_READY, GUARD_STOP } from './guard-order.ts'

/**
 * A process of its own beside a daemon that is to fail open (`rules.onCrash: open`). When the daemon is gone without a
 * word, its end of the pipe is closed by the kernel: then the tables are taken away. Its first line of input is a
 * `CrashOrder`; `stop` ends it.
 */

const { stdin, stdout } = process
let open: (() => void) | undefined

// The daemon may die between any two bytes.
stdout.on('error', () => {})
stdin.on('error', () => {})
const lines = createInterface({ input: stdin })
lines.on('line', (line) => {
  if (line === GUARD_STOP) process.exit(0)
  if (open) return
  open = readied(JSON.parse(line) as CrashOrder)
  stdout.write(`${GUARD_READY}\n`)
})
lines.on('close', () => {
  open?.()
  process.exit(0)
})

function readied({ transactions, pendingFile, rolledBackFile }: CrashOrder): () => void {
  // Opened now: whatever becomes of rights and memory later, the way into the kernel is there.
  const socket = new NetlinkSocket(NETLINK.netfilter)
  const all = transactions.map((bytes) => Buffer.from(bytes, 'base64'))
  return () => {
    try {
      for (const bytes of all) socket.send(bytes)
      // Or the guard of a change that waits would bring the rules before back.
      if (existsSync(pendingFile)) renameSync(pendingFile, rolledBackFile)
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
    }
  }
}
