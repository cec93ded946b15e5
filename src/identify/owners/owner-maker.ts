import type { Owner, OwnerSource } from '#model/owner.ts'
import { type CgroupPlace, parseCgroups } from '../programs/cgroup.ts'
import type { ContainerNames } from '../programs/container-names.ts'
import { sandboxOfPath } from '../programs/sandbox.ts'
import { scriptOf } from '../programs/script.ts'
import type { ProcessDetails } from './process.ts'
import type { Users } from './users.ts'

/** How sure each source is of what it says. A walk through /proc may see a socket that is changing hands. */
export const CONFIDENCE: Readonly<Record<OwnerSource, number>> = {
  ebpf: 1,
  netlink: 0.95,
  scan: 0.95,
  kernel: 0.9,
  guess: 0.5,
}
const MAX_PARENTS = 8

export interface OwnerMakerParts {
  readonly source: OwnerSource
  readonly users: Users
  readonly names: ContainerNames
  /** The process of this pid, for the chain of parents; undefined when nobody knows it. */
  readonly processOf: (pid: number, now: number) => ProcessDetails | undefined
}

/** Makes owners of processes, each once: equal details give the same object. */
export class OwnerMaker {
  readonly #parts: OwnerMakerParts
  readonly #owners = new WeakMap<ProcessDetails, Owner>()

  constructor(parts: OwnerMakerParts) {
    this.#parts = parts
  }

  /** `now` in milliseconds, monotonic. */
  ownerOf(details: ProcessDetails, now: number): Owner {
    const known = this.#owners.get(details)
    if (known) return known
    const owner = this.#make(details, now)
    this.#owners.set(details, owner)
    return owner
  }

  #make(details: ProcessDetails, now: number): Owner {
    const { source, users, names } = this.#parts
    const user = users.nameOf(details.uid, now)
    const { unit, container, sandbox: ofGroup } = this.#place(details.cgroups)
    const owner = toOwner(details, source)
    const sandbox = ofGroup ?? sandboxOfPath(owner.path)
    const script = scriptOf(owner.path, details.argumentList)
    const parents = this.#parentsOf(details, now)
    return {
      ...owner,
      ...(user !== undefined && { user }),
      ...(unit !== undefined && { unit }),
      ...(container && { container: names.name(container, now) }),
      ...(sandbox && { sandbox }),
      ...(script !== undefined && { script }),
      ...(parents.length > 0 && { parents }),
    }
  }

  /** The text is the same for most processes of a unit, but parsing takes microseconds only. */
  #place(cgroups: string): CgroupPlace {
    return cgroups === '' ? {} : parseCgroups(cgroups)
  }

  #parentsOf(details: ProcessDetails, now: number): string[] {
    const parents: string[] = []
    let at: ProcessDetails | undefined = details
    while (at && at.parentPid > 0 && parents.length < MAX_PARENTS) {
      const child: ProcessDetails = at
      at = this.#parts.processOf(child.parentPid, now)
      // Started later than its child: another process with the pid of the one that ended.
      if (!at || at.startTicks > child.startTicks) break
      parents.push(toOwner(at, this.#parts.source).name)
    }
    return parents
  }
}

/** What the process alone says; what could not be read is said. */
export function toOwner(details: ProcessDetails, source: OwnerSource): Owner {
  const { executable } = details
  const path = executable.state === 'unreadable' ? 'unreadable' : executable.path
  const lastPart = executable.state === 'unreadable' ? '' : path.slice(path.lastIndexOf('/') + 1)
  return {
    pid: details.pid,
    path,
    ...(executable.state === 'unreadable' && { unreadableBecause: executable.because }),
    ...(executable.state === 'gone' && { executableGone: true }),
    name: lastPart || details.shortName || 'unreadable',
    commandLine: details.commandLine,
    uid: details.uid,
    parentPid: details.parentPid,
    startedAt: details.startedAt,
    source,
    confidence: CONFIDENCE[source],
  }
}
