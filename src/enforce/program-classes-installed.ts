import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/snap/bin']
const AT_ONCE = 64
const MAX_PROGRAMS = 12_000

/** Calls with the path of each program in the usual folders, a few at a time: nothing else waits for long. */
export function installedPrograms(
  met: (path: string) => void,
  folders: readonly string[] = FOLDERS,
): { stop(): void } {
  const paths = folders.filter(isOwnFolder).flatMap(namesIn).slice(0, MAX_PROGRAMS)
  let turn: NodeJS.Immediate | undefined
  function go(from: number): void {
    for (const path of paths.slice(from, from + AT_ONCE)) met(path)
    if (from + AT_ONCE < paths.length) turn = setImmediate(() => go(from + AT_ONCE))
  }
  turn = setImmediate(() => go(0))
  return { stop: () => clearImmediate(turn) }
}

/** `/bin` is a link to `/usr/bin` on most machines. */
function isOwnFolder(folder: string, at: number, all: readonly string[]): boolean {
  const own = inodeOf(folder)
  return own !== undefined && all.findIndex((other) => inodeOf(other) === own) === at
}

function inodeOf(folder: string): string | undefined {
  try {
    const { dev, ino } = statSync(folder)
    return `${dev} ${ino}`
  } catch {
    return undefined
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isFile() ? [join(folder, entry.name)] : [],
    )
  } catch {
    return []
  }
}
