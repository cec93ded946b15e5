import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/snap/bin']
const AT_ONCE = 64
const MAX_FILES = 16_000

export interface Installed {
  /** Paths with stars: what lies in the folder before the first star is looked at. */
  readonly patterns: readonly string[]
  /** Files that packages brought. */
  readonly brought: readonly string[]
}

/** Calls with the path of each program in the usual folders, and of these, a few at a time: nothing else waits for long. */
export function installedPrograms(
  { patterns, brought }: Installed,
  met: (path: string) => void,
): { stop(): void } {
  const folders = [...FOLDERS, ...patterns.flatMap(folderOf)].filter(isOwnFolder)
  const paths = [...new Set([...folders.flatMap(namesIn), ...brought])].slice(0, MAX_FILES)
  let turn: NodeJS.Immediate | undefined
  function go(from: number): void {
    for (const path of paths.slice(from, from + AT_ONCE)) if (isProgram(path)) met(path)
    if (from + AT_ONCE < paths.length) turn = setImmediate(() => go(from + AT_ONCE))
  }
  turn = setImmediate(() => go(0))
  return { stop: () => clearImmediate(turn) }
}

/** `/opt/tool/*` lies in `/opt/tool`; of `/*` and `*` nobody can say where. */
function folderOf(pattern: string): string[] {
  const beforeStar = pattern.slice(0, pattern.indexOf('*'))
  const folder = beforeStar.slice(0, beforeStar.lastIndexOf('/'))
  return folder === '' ? [] : [folder]
}

/** `/bin` is a link to `/usr/bin` on most machines. */
function isOwnFolder(folder: string, at: number, all: readonly string[]): boolean {
  const own = inodeOf(folder)
  return own !== undefined && all.findIndex((other) => inodeOf(other) === own) === at
}

function inodeOf(folder: string): string | undefined {
  const stat = statSync(folder, { throwIfNoEntry: false })
  return stat && `${stat.dev} ${stat.ino}`
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

const ANYBODY_RUNS = 0o111

function isProgram(path: string): boolean {
  try {
    const stat = statSync(path)
    return stat.isFile() && (stat.mode & ANYBODY_RUNS) !== 0
  } catch {
    return false
  }
}
