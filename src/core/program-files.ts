import { stat } from 'node:fs/promises'
import { RecentMap } from '#lib/recent-map.ts'
import { identityText, type ProgramIdentity } from '#model/first-seen.ts'
import type { Connection } from '#model/flow.ts'
import type { Owner } from '#model/owner.ts'
import { programKeyOf } from '#model/summary.ts'

/** Processes that were looked at lately: a longer list only means to look once more. */
const KNOWN = 8_192
/** Looks under way; a flood of new processes is looked at in part. */
const MAX_LOOKING = 64

/** Notes which binary each program runs, so that a changed one shows. */
export interface ProgramFiles {
  see(connections: readonly Connection[]): void
}

export function createProgramFiles(
  record: (path: string, identity: string) => void,
  identify: (owner: Owner) => Promise<ProgramIdentity | undefined> = identifyProcess,
): ProgramFiles {
  const known = new RecentMap<string, true>(KNOWN)
  let looking = 0

  async function look(owner: Owner): Promise<void> {
    looking++
    const identity = await identify(owner)
    looking--
    if (identity) record(programKeyOf(owner), identityText(identity))
  }

  return {
    see(connections) {
      for (const { owner } of connections) {
        if (!owner || owner.pid === 0 || !owner.path.startsWith('/')) continue
        const key = `${owner.pid} ${owner.startedAt} ${owner.path}`
        if (known.get(key) || looking >= MAX_LOOKING) continue
        known.set(key, true)
        void look(owner)
      }
    },
  }
}

/** The very file that the process runs, also where its path names another one by now; undefined once it is over. */
async function identifyProcess({ pid }: Owner): Promise<ProgramIdentity | undefined> {
  try {
    const { dev, ino, size, mtimeMs } = await stat(`/proc/${pid}/exe`, { bigint: true })
    return { device: String(dev), inode: String(ino), bytes: Number(size), modifiedAt: Number(mtimeMs) }
  } catch {
    // It ended, or may not be looked at: the next process of this program will tell.
    return undefined
  }
}
