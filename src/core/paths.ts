import { statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lookUpUser } from '#kernel/privilege.ts'
import { socketFolder } from '#lib/socket-paths.ts'

/** Where a daemon keeps its things; each can be moved by a flag. */
export interface DaemonPaths {
  readonly configFile: string
  /** True when somebody named the file: then it has to be there. */
  readonly isConfigNamed: boolean
  readonly stateFolder: string
  readonly apiSocket: string
  readonly webSocket: string
  readonly pageFolder: string
  /** Countries and networks: scripts/places made it. */
  readonly placesFile: string
}

export function pathsOf(flags: {
  readonly config?: string
  readonly stateDir?: string
  readonly socket?: string
}): DaemonPaths {
  const uid = process.getuid?.() ?? 0
  const apiSocket =
    flags.socket ?? join(socketFolder({ uid, runtimeFolder: process.env['XDG_RUNTIME_DIR'] }), 'api.sock')
  return {
    configFile: flags.config ?? '/etc/gatehouse/config.yaml',
    isConfigNamed: flags.config !== undefined,
    stateFolder: flags.stateDir ?? (uid === 0 ? '/var/lib/gatehouse' : join(stateHome(), 'gatehouse')),
    apiSocket,
    webSocket: join(dirname(apiSocket), 'web.sock'),
    pageFolder: fileURLToPath(new URL('../../dist/web/', import.meta.url)),
    placesFile: fileURLToPath(new URL('../../dist/places.bin', import.meta.url)),
  }
}

/** The rules that the machine boots with. */
export const bootFile = (stateFolder: string): string => join(stateFolder, 'rules', 'boot.rules')

const stateHome = (): string => process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state')

/** Whom the web process will be: the one that its socket must let in. */
export function webUserOf(name: string | undefined): { readonly uid: number; readonly gid: number } {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  if (uid !== 0) return { uid, gid }
  return lookUpUser(name ?? 'gatehouse') ?? lookUpUser('nobody') ?? { uid, gid }
}

/** The first folder above `path` that this user may not enter: what lies below cannot be reached by it. */
export function closedFolder(
  path: string,
  user: { readonly uid: number; readonly gid: number },
): string | undefined {
  const parts = dirname(path).split('/')
  for (let depth = 1; depth <= parts.length; depth++) {
    const folder = parts.slice(0, depth).join('/') || '/'
    const { mode, uid, gid } = statSync(folder)
    const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0
    if (user.uid !== 0 && ((mode >> shift) & 1) === 0) return folder
  }
  return undefined
}
