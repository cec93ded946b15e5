import { execFile, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { asOthers } from './priority.ts'

const FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'] as const
const WITHIN_MS = 20_000
const MAX_OUTPUT_BYTES = 16 << 20

/**
 * Runs a program of the system, without a shell and with an environment that holds nothing of ours, and answers what
 * it printed. Undefined when it is not installed, fails, or takes longer than 20 seconds.
 */
export function runProgram(name: string, args: readonly string[]): Promise<string | undefined> {
  const path = programPath(name)
  if (path === undefined) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    const options = {
      env: { LC_ALL: 'C' },
      cwd: '/',
      timeout: WITHIN_MS,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_OUTPUT_BYTES,
    } as const
    asOthers(() => execFile(path, args, options, (failed, output) => resolve(failed ? undefined : output)))
  })
}

/** Where a program of the system is; undefined when it is not installed. */
export const programPath = (name: string): string | undefined =>
  /^[\w.-]+$/.test(name) ? FOLDERS.map((folder) => `${folder}/${name}`).find(isExecutable) : undefined

/** How a command ended: with its exit code and the first of what it printed, or without. */
export type CommandOutcome =
  | { readonly state: 'ended'; readonly code: number; readonly output: string }
  | { readonly state: 'failed'; readonly reason: string }

/**
 * Runs a program by its absolute path: without a shell, with an environment that holds nothing of ours, nothing to
 * read, and as a process group of its own, which is killed after `withinMs`. Of its output the first `maxBytes` are
 * kept. Never rejects.
 */
export function runCommand(
  path: string,
  args: readonly string[],
  { withinMs, maxBytes }: { readonly withinMs: number; readonly maxBytes: number },
): Promise<CommandOutcome> {
  if (!path.startsWith('/') || !isExecutable(path)) {
    return Promise.resolve({ state: 'failed', reason: `${path} is no program that can be run` })
  }
  return new Promise((resolve) => {
    const child = asOthers(() =>
      spawn(path, args, {
        env: { LC_ALL: 'C', PATH: FOLDERS.join(':') },
        cwd: '/',
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      }),
    )
    const kept: Buffer[] = []
    let room = maxBytes
    const keep = (bytes: Buffer): void => {
      if (room > 0) kept.push(bytes.subarray(0, room))
      room -= bytes.length
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      killGroup(child.pid)
      // What it left running in another group may hold the pipes open.
      child.stdout.destroy()
      child.stderr.destroy()
    }, withinMs)
    child.on('error', ({ message }) => end({ state: 'failed', reason: message }))
    child.on('close', (code, signal) => {
      if (isLate) end({ state: 'failed', reason: `it took longer than ${withinMs / 1000} s and was ended` })
      else if (code === null) end({ state: 'failed', reason: `it was ended by ${signal}` })
      else end({ state: 'ended', code, output: Buffer.concat(kept).toString() })
    })
    function end(outcome: CommandOutcome): void {
      clearTimeout(timer)
      resolve(outcome)
    }
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It ended by itself a moment ago.
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
