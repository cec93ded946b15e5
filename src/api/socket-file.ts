import { chmodSync, chownSync, lstatSync, mkdirSync, rmSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { Refused } from './port.ts'

/** sun_path holds 108 bytes with its closing zero (unix(7)). */
const PATH_BYTES_LIMIT = 107

/** Who may open a socket file: its owner, its group, its mode. */
export interface SocketAccess {
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

/**
 * Listens on a Unix socket file that nobody else can open, not even for a moment. Makes its folder where it is
 * missing, and removes a socket file that nobody answers on. Throws `Refused` with what to do.
 */
export async function listenOnFile(server: Server, path: string, access: SocketAccess): Promise<void> {
  if (Buffer.byteLength(path) > PATH_BYTES_LIMIT) {
    throw new Refused(
      400,
      `The socket path ${path} is longer than ${PATH_BYTES_LIMIT} bytes.`,
      'Choose a shorter one with --socket.',
    )
  }
  makeFolder(dirname(path))
  await removeStale(path)
  await bindPrivately(server, path)
  chownSync(path, access.uid, access.gid)
  chmodSync(path, access.mode)
}

/** A folder in /tmp that somebody else made first could swap our socket for theirs: refuse it. */
function makeFolder(folder: string): void {
  const uid = process.geteuid?.() ?? 0
  mkdirSync(folder, { recursive: true, mode: uid === 0 ? 0o755 : 0o700 })
  const stat = lstatSync(folder)
  const isOthers = stat.uid !== uid && stat.uid !== 0
  const isOpen = (stat.mode & 0o022) !== 0 && (stat.mode & 0o1000) === 0
  if (stat.isDirectory() && !isOthers && !isOpen) return
  throw new Refused(
    409,
    `${folder} must be a folder of yours that others cannot write to.`,
    `Remove it (ls -ld ${folder} shows whose it is), or choose another place with --socket.`,
  )
}

async function removeStale(path: string): Promise<void> {
  let isSocket: boolean
  try {
    isSocket = lstatSync(path).isSocket()
  } catch {
    return
  }
  if (!isSocket) {
    throw new Refused(409, `${path} is in the way and is no socket.`, 'Move it away, or use --socket.')
  }
  await demandSilence(path)
  rmSync(path)
}

/**
 * Throws `Refused` when another Gatehouse answers on this socket file. Ask before anything else is started: two
 * at once would fight over the kernel's table.
 */
export async function demandSilence(path: string): Promise<void> {
  if (!(await answers(path))) return
  throw new Refused(
    409,
    `Gatehouse is already running: it answers on ${path}.`,
    'Stop that one first, or give this one its own socket with --socket PATH.',
  )
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    // EAGAIN is a full backlog: somebody is there. ECONNREFUSED is a file that was left behind, ENOENT none at all.
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EAGAIN'))
  })
}

/** bind(2) makes the file with what the umask leaves: with this one nobody but us, until chmod says otherwise. */
function bindPrivately(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void =>
      reject(
        new Refused(503, `Cannot listen on ${path}: ${error.message}.`, 'Choose a place you may write to.'),
      )
    server.once('error', fail)
    const umask = process.umask(0o177)
    server.listen(path, () => {
      server.off('error', fail)
      resolve()
    })
    process.umask(umask)
  })
}
