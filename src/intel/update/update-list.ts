import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { Unusable } from '../formats/format.ts'
import { FORMATS, type FormatName } from '../formats/formats.ts'
import { keptLine } from '../formats/kept.ts'
import type { HashKey } from '../indicators/half-sip-hash.ts'
import { TooManyEntries } from '../indicators/list-builder.ts'
import type { ListColumns } from '../indicators/list-columns.ts'
import { type Fetching, fieldKey, type Origin, openDocuments, type Seen } from './documents.ts'
import { download, MOST_TIMES_PACKED, unpackedOf, type Validators } from './download.ts'
import { ListReading, type ReadCounts } from './read-list.ts'

/** One list, to be had anew. */
export interface UpdatePlan {
  readonly origin: Origin
  readonly format: FormatName
  readonly validators: Validators
  /** Where the new version is written; the one in force is not touched. */
  readonly newFile: string
  readonly maxBytes: number
  readonly maxEntries: number
  /** Own lists may name private addresses. */
  readonly isOwn: boolean
  /** Of the web, with user and password if it wants them. */
  readonly proxy?: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

export type UpdateOutcome =
  | { readonly state: 'unchanged' }
  | { readonly state: 'busy'; readonly reason: string; readonly retryAfterSeconds: number | undefined }
  | { readonly state: 'failed'; readonly reason: string }
  | {
      readonly state: 'read'
      readonly columns: ListColumns
      readonly counts: ReadCounts
      readonly validators: Validators
    }

export interface UpdateParts extends Pick<Fetching, 'beforeHop' | 'timeouts'> {
  readonly key: HashKey
  /** The version in force: what it held keeps its date. */
  readonly before: ListColumns | undefined
}

const HASH = /^[0-9a-f]{64}\b/i
const CHECKSUM_BYTES = 65_536
const WRITE_AT_ONCE = 65_536

/** Has one list anew, reads it, and lays it beside the one in force as a file. Never throws for what a server sent. */
export async function updateList(plan: UpdatePlan, parts: UpdateParts): Promise<UpdateOutcome> {
  try {
    return await fetchAndRead(plan, parts)
  } catch (error) {
    await rm(plan.newFile, { force: true })
    const isKnown = error instanceof Unusable || error instanceof TooManyEntries
    return {
      state: 'failed',
      reason: isKnown ? error.message : `could not be kept: ${(error as Error).message}`,
    }
  }
}

async function fetchAndRead(plan: UpdatePlan, parts: UpdateParts): Promise<UpdateOutcome> {
  const { maxBytes } = plan
  const proxy = plan.proxy === undefined ? undefined : new URL(plan.proxy)
  const fetching: Fetching = { ...parts, maxBytes, proxy }
  const seen: Seen = { fields: new Map() }
  const opened = await openDocuments(plan, fetching, seen)
  if (opened.state !== 'open') return opened
  const wanted = await wantedHash(plan.origin, fetching)
  const keeping = await openKeeping(plan.newFile)
  try {
    const reading = new ListReading({
      format: FORMATS[plan.format],
      key: parts.key,
      maxEntries: plan.maxEntries,
      mayBePrivate: plan.isOwn,
      now: plan.now,
      ...(parts.before && { before: parts.before }),
      onTaken: (indicator, sinceSeconds) => keeping.add(keptLine(indicator, sinceSeconds)),
      onField: (path, value) => void (path.length === 1 && seen.fields.set(fieldKey(path), value)),
    })
    const hash = createHash('sha256')
    for await (const { body } of opened.documents) {
      for await (const bytes of unpackedOf(hashed(body, hash), MOST_TIMES_PACKED * plan.maxBytes)) {
        reading.write(bytes)
        await keeping.flush()
      }
      reading.endDocument()
    }
    if (wanted !== undefined && hash.digest('hex') !== wanted)
      throw new Unusable('does not have the SHA-256 that its maker gives')
    const { columns, counts } = reading.finish()
    await keeping.end()
    return { state: 'read', columns, counts, validators: opened.validators }
  } catch (error) {
    await keeping.drop()
    throw error
  }
}

async function* hashed(
  body: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const bytes of body) {
    hash.update(bytes)
    yield bytes
  }
}

async function wantedHash(origin: Origin, fetching: Fetching): Promise<string | undefined> {
  if (origin.kind === 'file' || origin.checksumUrl === undefined) return undefined
  const answer = await download({
    ...fetching,
    url: new URL(origin.checksumUrl),
    mayBePrivate: origin.isNear,
    validators: {},
    maxBytes: CHECKSUM_BYTES,
  })
  if (answer.state !== 'open') throw new Unusable('has no checksum now')
  let text = ''
  for await (const bytes of answer.body) text += Buffer.from(bytes).toString('latin1')
  const [found] = HASH.exec(text.trim()) ?? []
  if (found === undefined) throw new Unusable('has a checksum that is no SHA-256')
  return found.toLowerCase()
}

/** The file of a new version: packed, and on disk before anybody relies on it. */
async function openKeeping(path: string) {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const packer = createGzip({ level: 4 })
  const written = pipeline(packer, createWriteStream(path, { mode: 0o600 }))
  // Whoever writes next or ends it hears of a failure; until then nobody waits.
  written.catch(() => {})
  let waiting = ''
  return {
    add(line: string) {
      waiting += line
    },
    /** Waits while the disk is slower than the wire. */
    async flush() {
      if (waiting.length < WRITE_AT_ONCE) return
      const isTaken = packer.write(waiting)
      waiting = ''
      if (!isTaken) await Promise.race([once(packer, 'drain'), written])
    },
    async end() {
      packer.end(waiting)
      await written
      const handle = await open(path, 'r')
      await handle.sync()
      await handle.close()
    },
    /** Waits until the file is closed: it may be opened only just now. */
    async drop() {
      packer.destroy()
      await written.catch(() => {})
    },
  }
}
