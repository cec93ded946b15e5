import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { asOthers } from './priority.ts'

/** A Node process of ours: we write to its stdin and read its stdout; its stderr is ours. */
export type NodeChild = ChildProcessByStdio<Writable, Readable, null>

/** Runs one of our own scripts with the Node that runs us, and an environment that holds nothing of ours. */
export const startNodeChild = (script: string): NodeChild =>
  asOthers(() =>
    spawn(process.execPath, ['--max-semi-space-size=4', '--disable-warning=ExperimentalWarning', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...(process.env['GATEHOUSE_LOG'] ? { GATEHOUSE_LOG: process.env['GATEHOUSE_LOG'] } : {}) },
      cwd: '/',
    }),
  )
