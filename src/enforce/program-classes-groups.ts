import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { ProgramFacts } from '#model/program-question.ts'

const UNIT = /\.(?:service|scope|slice)$/
const MAX_GROUPS = 10_000
const MAX_DEPTH = 16

/** Names and ids of the containers that a control group of this path is in; none: it is in no container. */
export type ContainersOf = (path: string) => readonly string[]

/** Where a control group is, as conditions ask. `path` as `/system.slice/ssh.service`. */
export function placeOfGroup(path: string, containersOf: ContainersOf): ProgramFacts {
  const parts = path.split('/').filter((part) => part !== '')
  return { units: parts.filter((part) => UNIT.test(part)), containers: containersOf(path) }
}

/** Path of the control group (v2) of a process; undefined when it is over. */
export function groupOf(pid: number): string | undefined {
  try {
    return /^0::(\/.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

/** All control groups below a folder, as paths from it. Bounded. */
export function groupsBelow(root: string): string[] {
  const found: string[] = ['/']
  for (let at = 0; at < found.length && found.length < MAX_GROUPS; at++) {
    const path = found[at] as string
    if (path.split('/').length > MAX_DEPTH) continue
    for (const name of foldersIn(`${root}${path}`)) found.push(path === '/' ? `/${name}` : `${path}/${name}`)
  }
  return found
}

/** Whether this very group is that of a container, not one within it. */
export const isOfContainerItself = (path: string, containersOf: ContainersOf): boolean =>
  containersOf(path).length > 0 && containersOf(dirname(path)).length === 0

export const nameOfGroup = (path: string): string => basename(path)

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    )
  } catch {
    // It was removed meanwhile.
    return []
  }
}
