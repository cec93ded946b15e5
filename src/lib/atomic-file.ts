import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * Replaces the text of a file as a whole: a reader, or a crash at any moment, finds the old text or the new one.
 * Keeps owner and mode, follows a symbolic link; a new file gets `mode`. Throws the error of the file system and
 * leaves the old file as it was.
 */
export function writeAtomically(path: string, text: string, mode = 0o600): void {
  const target = existsSync(path) ? realpathSync(path) : path
  const temporary = join(dirname(target), `.${process.pid}.${process.hrtime.bigint()}.new`)
  try {
    writeDurably(temporary, text, existsSync(target) ? statSync(target) : { mode })
    renameSync(temporary, target)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  syncFolder(dirname(target))
}

interface Ownership {
  readonly mode: number
  readonly uid?: number
  readonly gid?: number
}

function writeDurably(path: string, text: string, { mode, uid, gid }: Ownership): void {
  // wx: never through a link that somebody laid there.
  const fd = openSync(path, 'wx', 0o600)
  try {
    if (uid !== undefined && gid !== undefined && process.getuid?.() === 0) fchownSync(fd, uid, gid)
    fchmodSync(fd, mode & 0o7777)
    const bytes = Buffer.from(text)
    for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** The new name is on disk only once its folder is (fsync(2)). */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
