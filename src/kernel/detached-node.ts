import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { asOthers } from './priority.ts'

export type DetachedNode = ChildProcessByStdio<Writable, Readable, null>

/**
 * Runs one of our own scripts in a session of its own: it lives on when we end, however we end. We write to its stdin
 * and read its stdout as long as we live; neither keeps us alive.
 */
export function startDetachedNode(script: string): DetachedNode {
  const child = asOthers(() =>
    spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: {},
      cwd: '/',
      detached: true,
    }),
  )
  child.unref()
  for (const pipe of [child.stdin, child.stdout]) (pipe as unknown as Socket).unref()
  return child
}
