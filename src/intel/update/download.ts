import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { Unusable } from '../formats/format.ts'
import { type GuardedRequest, guardedGet } from './guarded-request.ts'

/** What the server said of its answer: sent back the next time, so that nothing is sent when nothing changed. */
export interface Validators {
  readonly etag?: string | undefined
  readonly lastModified?: string | undefined
}

export interface DownloadRequest
  extends Pick<GuardedRequest, 'url' | 'mayBePrivate' | 'beforeHop' | 'proxy'> {
  readonly validators: Validators
  /** The value of the Authorization header. */
  readonly authorization?: string
  readonly accept?: string
  /** On the wire. */
  readonly maxBytes: number
  readonly timeouts: Timeouts
}

export interface Timeouts {
  /** Without a byte. */
  readonly idleMs: number
  readonly totalMs: number
}

export type Download =
  | { readonly state: 'unchanged' }
  | {
      readonly state: 'open'
      readonly validators: Validators
      /** Without the packing of HTTP; a file that is packed itself stays so. Throws `Unusable` when it ends too soon, takes too long or is too large. */
      readonly body: AsyncIterable<Uint8Array>
    }
  | { readonly state: 'busy'; readonly reason: string; readonly retryAfterSeconds: number | undefined }

/** A list has to fit, but a bomb must not: packed text is seldom smaller than a tenth of itself. */
export const MOST_TIMES_PACKED = 12

export async function download(request: DownloadRequest): Promise<Download> {
  const clock = startClock(request.timeouts)
  try {
    const response = await guardedGet({ ...request, headers: headersOf(request), signal: clock.signal })
    const answer = answerOf(request, response, clock)
    if (answer.state !== 'open') clock.stop()
    return answer
  } catch (error) {
    clock.stop()
    throw error
  }
}

function headersOf({ validators, authorization, accept }: DownloadRequest): Record<string, string> {
  return {
    'user-agent': 'gatehouse',
    'accept-encoding': 'gzip, deflate, br',
    accept: accept ?? '*/*',
    ...(validators.etag !== undefined && { 'if-none-match': validators.etag }),
    ...(validators.lastModified !== undefined && { 'if-modified-since': validators.lastModified }),
    ...(authorization !== undefined && { authorization }),
  }
}

function answerOf(request: DownloadRequest, response: IncomingMessage, clock: Clock): Download {
  const { statusCode: status = 0, headers } = response
  if (status === 200) {
    refuseTooLarge(Number(headers['content-length'] ?? 0), request.maxBytes)
    const { etag, 'last-modified': lastModified } = headers
    const validators = {
      ...(etag !== undefined && { etag }),
      ...(lastModified !== undefined && { lastModified }),
    }
    return { state: 'open', validators, body: bodyOf(response, request, clock) }
  }
  response.destroy()
  if (status === 304) return { state: 'unchanged' }
  if (status === 429 || status === 503) {
    const retryAfterSeconds = secondsOf(headers['retry-after'])
    return { state: 'busy', reason: `asks to be left alone for now (status ${status})`, retryAfterSeconds }
  }
  throw new Unusable(STATUS_WORDS[status] ?? `was not sent: status ${status}`)
}

const STATUS_WORDS: Readonly<Record<number, string>> = {
  401: 'needs a key: status 401',
  403: 'may not be had: status 403',
  404: 'is not there any more: status 404',
  410: 'is not there any more: status 410',
}

/** Seconds alone: a date would need the server's clock. */
const secondsOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,7}$/.test(text) ? Number(text) : undefined

function refuseTooLarge(bytes: number, most: number): void {
  if (bytes > most) throw new Unusable(`is larger than ${Math.round(most / 1e6)} MB`)
}

async function* bodyOf(
  response: IncomingMessage,
  { maxBytes }: DownloadRequest,
  clock: Clock,
): AsyncGenerator<Uint8Array> {
  try {
    const wire = counted(response, maxBytes, clock)
    yield* unpack(wire, response.headers['content-encoding'] ?? '', MOST_TIMES_PACKED * maxBytes)
  } catch (error) {
    if (error instanceof Unusable) throw error
    throw new Unusable(clock.signal.aborted ? 'came too slowly' : `was cut off: ${(error as Error).message}`)
  } finally {
    clock.stop()
    response.destroy()
  }
}

async function* counted(response: IncomingMessage, most: number, clock: Clock): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of response) {
    clock.touch()
    bytes += (chunk as Buffer).length
    refuseTooLarge(bytes, most)
    yield chunk as Buffer
  }
}

const UNPACKERS: Readonly<Record<string, () => NodeJS.ReadWriteStream>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

function unpack(
  bytes: AsyncGenerator<Uint8Array>,
  encoding: string,
  most: number,
): AsyncIterable<Uint8Array> {
  if (encoding === '' || encoding === 'identity') return bytes
  const open = UNPACKERS[encoding.toLowerCase()]
  if (!open) throw new Unusable(`is packed in a way that nobody asked for: ${encoding}`)
  return bounded(bytes, open(), most)
}

/** Unpacks what is a gzip file by itself; everything else goes through as it is. */
export async function* unpackedOf(
  bytes: AsyncIterable<Uint8Array>,
  most: number,
): AsyncGenerator<Uint8Array> {
  const pieces = bytes[Symbol.asyncIterator]()
  const first = await pieces.next()
  if (first.done) return
  const whole = (async function* () {
    yield first.value
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value
  })()
  const isGzip = first.value[0] === 0x1f && first.value[1] === 0x8b
  yield* isGzip ? bounded(whole, createGunzip(), most) : whole
}

/** What comes out of an unpacker, up to `most` bytes: of a bomb no more is ever unpacked. */
async function* bounded(
  packed: AsyncIterable<Uint8Array>,
  unpacker: NodeJS.ReadWriteStream,
  most: number,
): AsyncGenerator<Uint8Array> {
  const source = Readable.from(packed, { objectMode: false })
  const out = source.pipe(unpacker) as unknown as Readable
  source.on('error', (error) => out.destroy(error))
  let bytes = 0
  try {
    for await (const chunk of out) {
      bytes += (chunk as Buffer).length
      if (bytes > most) throw new Unusable(`is larger than ${Math.round(most / 1e6)} MB when unpacked`)
      yield chunk as Buffer
    }
  } finally {
    source.destroy()
    out.destroy()
  }
}

interface Clock {
  readonly signal: AbortSignal
  /** Bytes came. */
  touch(): void
  stop(): void
}

function startClock({ idleMs, totalMs }: Timeouts): Clock {
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  const total = setTimeout(abort, totalMs)
  const idle = setTimeout(abort, idleMs)
  return {
    signal: controller.signal,
    touch: () => void idle.refresh(),
    stop() {
      clearTimeout(total)
      clearTimeout(idle)
    },
  }
}
