import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'

const FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'] as const
const WITHIN_MS = 20_000
const MAX_OUTPUT_BYTES = 16 << 20

/**
 * Runs a program of the system, without a shell and with an environment that holds nothing of ours, and answers what
 * it printed. Undefined when it is not installed, fails, or takes longer than 20 seconds.
 */
export function runProgram(name: string, args: readonly string[]): Promise<string | undefined> {
  const path = FOLDERS.map((folder) => `${folder}/${name}`).find(isExecutable)
  if (path === undefined || !/^[\w.-]+$/.test(name)) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    execFile(
      path,
      args,
      {
        env: { LC_ALL: 'C' },
        cwd: '/',
        timeout: WITHIN_MS,
        killSignal: 'SIGKILL',
        maxBuffer: MAX_OUTPUT_BYTES,
      },
      (failed, output) => resolve(failed ? undefined : output),
    )
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
