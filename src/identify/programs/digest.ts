import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'

/** Digests in hexadecimal. MD5 and SHA-1 are no proof of anything: dpkg keeps the one, threat lists name files by both. */
export interface Digests {
  readonly sha256: string
  readonly sha1: string
  readonly md5: string
}

export interface Pace {
  readonly bytesPerSecond: number
  /** Milliseconds, monotonic. */
  readonly clock: () => number
}

/** Hashing so much takes well under a millisecond of the thread; reading goes on beside it. */
const CHUNK_BYTES = 1 << 17

/** Reads a file from its start and hashes it, no faster than the pace: neither the loop nor the disk is to notice. */
export async function digest(file: FileHandle, { bytesPerSecond, clock }: Pace): Promise<Digests> {
  const [sha256, sha1, md5] = [createHash('sha256'), createHash('sha1'), createHash('md5')]
  const chunk = Buffer.alloc(CHUNK_BYTES)
  const startedAt = clock()
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at)
    if (bytesRead === 0) break
    at += bytesRead
    const part = chunk.subarray(0, bytesRead)
    sha256.update(part)
    sha1.update(part)
    md5.update(part)
    const aheadMs = (at / bytesPerSecond) * 1_000 - (clock() - startedAt)
    if (aheadMs >= 1) await pause(aheadMs)
  }
  return { sha256: sha256.digest('hex'), sha1: sha1.digest('hex'), md5: md5.digest('hex') }
}
