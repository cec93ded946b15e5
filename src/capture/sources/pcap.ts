import { type FileHandle, open } from 'node:fs/promises'
import { createGunzip, type Gunzip, constants as zlib } from 'node:zlib'
import type { CapturedInterface, FrameSink } from '#capture/source.ts'
import { CaptureFileError, type CaptureFormat, MAX_RECORD_BYTES } from './capture-format.ts'
import { opensPcap, PcapClassic } from './pcap-classic.ts'
import { opensPcapng, Pcapng } from './pcapng.ts'

export { CaptureFileError } from './capture-format.ts'

/** One buffer for the whole file: it holds the longest record, and reads are large. */
const WINDOW_BYTES = 4 * MAX_RECORD_BYTES
const GZIP_CHUNK_BYTES = 1 << 18
/** Where the data is damaged, zlib keeps at most so many good bytes to itself. */
const UNPACKED_CHUNK_BYTES = 1 << 16
const MAGIC_BYTES = 4

const EXPECTED =
  'Gatehouse reads pcap and pcapng files, plain or gzip, as tcpdump -w and Wireshark write them'

/** What came out of a capture. */
export interface CaptureSummary {
  readonly packets: number
  readonly interfaces: readonly CapturedInterface[]
  /** The file ends within a record, or is damaged there: what came before was delivered. */
  readonly cutOff?: {
    /** Where that record begins, in bytes of the (unpacked) file. */
    readonly offset: number
    readonly packets: number
    readonly because: string
  }
}

/** Where the bytes come from. `read` answers 0 at the end. */
interface Input {
  read(into: Uint8Array): Promise<number>
  close(): Promise<void>
}

/**
 * Delivers all frames of a capture file in their order, in constant memory. `path` may be `-` for standard input.
 * @param onInterfaces gets, before the first frame, the list that frames' `interfaceIndex` points into: it grows.
 * @param ready is waited for between reads, so that who cannot keep up with what comes of the frames can say so.
 * Throws CaptureFileError when the file cannot be read at all; a file that is cut off or damaged is a result.
 */
export async function readCapture(
  path: string,
  sink: FrameSink,
  onInterfaces: (interfaces: readonly CapturedInterface[]) => void = () => {},
  ready: () => Promise<void> = async () => {},
): Promise<CaptureSummary> {
  const input = path === '-' ? standardInput() : await openFile(path)
  try {
    const window = new Window(path, sink, onInterfaces)
    const opening = await readOpening(input, window.free())
    if (opening.length === 0) throw new CaptureFileError(path, 'is empty', `${EXPECTED}.`)
    if (opening[0] === 0x1f && opening[1] === 0x8b)
      return await readGzip({ input, ready }, opening.slice(), window)
    window.filled(opening.length)
    for (let got = 1; got > 0 && !window.isDone; ) {
      await ready()
      got = await input.read(window.free())
      window.filled(got)
    }
    return window.summary('the file ends there')
  } catch (error) {
    throw explained(path, error)
  } finally {
    await input.close()
  }
}

/** Enough to know the format, if there is that much. */
async function readOpening(input: Input, into: Uint8Array): Promise<Uint8Array> {
  let length = 0
  while (length < MAGIC_BYTES) {
    const got = await input.read(into.subarray(length))
    if (got === 0) break
    length += got
  }
  return into.subarray(0, length)
}

/** Unpacked bytes are parsed as they come, so that what a bomb unpacks to is never held. */
async function readGzip(
  { input, ready }: { readonly input: Input; readonly ready: () => Promise<void> },
  opening: Uint8Array,
  window: Window,
): Promise<CaptureSummary> {
  const gunzip = createGunzip({ chunkSize: UNPACKED_CHUNK_BYTES })
  let failure: Error | undefined
  const over = new Promise<void>((resolve) => {
    gunzip.on('close', resolve)
    gunzip.on('error', (error: Error) => {
      failure ??= error
    })
    gunzip.on('data', (chunk: Uint8Array) => {
      try {
        if (!window.isDone) window.take(chunk)
      } catch (error) {
        failure ??= error as Error
        gunzip.destroy()
      }
    })
  })
  const chunk = new Uint8Array(GZIP_CHUNK_BYTES)
  for (let next = opening; next.length > 0 && !window.isDone && !gunzip.destroyed; ) {
    await write(gunzip, next)
    await ready()
    next = chunk.subarray(0, await input.read(chunk))
  }
  if (window.isDone) gunzip.destroy()
  else gunzip.end()
  await over
  if (failure !== undefined && !isZlibError(failure)) throw failure
  if (window.isEmpty && failure) throw failure
  return failure && !window.isDone
    ? window.summary(`the gzip data is cut off or damaged (${failure.message})`, true)
    : window.summary('the file ends there')
}

/** Returns once the chunk is used up, or the stream failed: its `error` event says how. */
const write = (gunzip: Gunzip, chunk: Uint8Array): Promise<void> =>
  new Promise((resolve) => {
    gunzip.once('close', resolve)
    gunzip.write(chunk, () => {
      gunzip.off('close', resolve)
      resolve()
    })
  })

const isZlibError = (error: Error): boolean =>
  'code' in error && typeof error.code === 'string' && Object.hasOwn(zlib, error.code)

/** The bytes at hand. Whole records are delivered as soon as they are there; the rest moves to the front. */
class Window {
  readonly #path: string
  readonly #sink: FrameSink
  readonly #onInterfaces: (interfaces: readonly CapturedInterface[]) => void
  readonly #bytes = new Uint8Array(WINDOW_BYTES)
  readonly #view = new DataView(this.#bytes.buffer)
  #format: CaptureFormat | undefined
  #end = 0
  /** Bytes of the current record that are still to come and not wanted. */
  #skip = 0
  /** Where the first byte of the window, and the record that is being skipped, lie in the file. */
  #offset = 0
  #skippedFrom = 0

  constructor(
    path: string,
    sink: FrameSink,
    onInterfaces: (interfaces: readonly CapturedInterface[]) => void,
  ) {
    this.#path = path
    this.#sink = sink
    this.#onInterfaces = onInterfaces
  }

  /** Nothing more can be read: the file is damaged. */
  get isDone(): boolean {
    return this.#format?.damage !== undefined
  }

  get isEmpty(): boolean {
    return this.#format === undefined && this.#end === 0
  }

  /** Where to read to; tell how much by `filled`. */
  free(): Uint8Array {
    return this.#bytes.subarray(this.#end)
  }

  take(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && !this.isDone; ) {
      const part = chunk.subarray(at, at + this.#bytes.length - this.#end)
      this.#bytes.set(part, this.#end)
      this.filled(part.length)
      at += part.length
    }
  }

  filled(count: number): void {
    this.#end += count
    if (this.#skip > 0) this.#dropFront(Math.min(this.#skip, this.#end))
    if (this.#skip > 0 || this.#end === 0) return
    this.#format ??= this.#chooseFormat()
    if (this.#format === undefined) return
    const next = this.#format.consume(this.#view, 0, this.#end)
    if (next > this.#end) {
      this.#skip = next - this.#end
      this.#skippedFrom = this.#offset
    }
    const used = Math.min(next, this.#end)
    this.#bytes.copyWithin(0, used, this.#end)
    this.#end -= used
    this.#offset += used
  }

  #dropFront(count: number): void {
    this.#bytes.copyWithin(0, count, this.#end)
    this.#end -= count
    this.#skip -= count
    this.#offset += count
  }

  #chooseFormat(): CaptureFormat | undefined {
    if (this.#end < MAGIC_BYTES) return undefined
    const format = opensPcap(this.#view, 0)
      ? new PcapClassic(this.#path, this.#sink)
      : opensPcapng(this.#view, 0)
        ? new Pcapng(this.#path, this.#sink)
        : undefined
    if (format === undefined) throw this.#notACapture()
    this.#onInterfaces(format.interfaces)
    return format
  }

  #notACapture(): CaptureFileError {
    const packed = PACKERS.find(({ magic }) => magic.every((byte, at) => this.#bytes[at] === byte))
    return packed
      ? new CaptureFileError(
          this.#path,
          `is packed with ${packed.name}`,
          `Unpack it first: ${packed.command}.`,
        )
      : new CaptureFileError(this.#path, 'is not a capture file', `${EXPECTED}.`)
  }

  /** `because`: why there are no more bytes. `isCut`: there should have been, even if the last record is whole. */
  summary(because: string, isCut = false): CaptureSummary {
    const format = this.#format
    if (format === undefined) throw this.#notACapture()
    const { packets, interfaces, damage } = format
    if (damage === undefined && this.#end === 0 && this.#skip === 0 && !isCut) return { packets, interfaces }
    const offset = this.#skip > 0 ? this.#skippedFrom : this.#offset
    return { packets, interfaces, cutOff: { offset, packets, because: damage ?? because } }
  }
}

const PACKERS = [
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], command: 'zstd -d FILE' },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58], command: 'xz -d FILE' },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68], command: 'bzip2 -d FILE' },
  { name: 'lz4', magic: [0x04, 0x22, 0x4d, 0x18], command: 'lz4 -d FILE' },
  { name: 'zip', magic: [0x50, 0x4b, 0x03, 0x04], command: 'unzip FILE' },
] as const

async function openFile(path: string): Promise<Input> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (error) {
    throw explained(path, error)
  }
  return {
    read: async (into) => (await file.read(into, 0, into.length)).bytesRead,
    close: () => file.close(),
  }
}

/** Standard input may be a pipe, a file or a terminal: the stream knows each. */
function standardInput(): Input {
  const chunks: AsyncIterator<Uint8Array> = process.stdin[Symbol.asyncIterator]()
  let rest = new Uint8Array(0)
  return {
    async read(into) {
      while (rest.length === 0) {
        const next = await chunks.next()
        if (next.done) return 0
        rest = new Uint8Array(next.value)
      }
      const part = rest.subarray(0, into.length)
      into.set(part)
      rest = rest.subarray(part.length)
      return part.length
    },
    close: async () => void (await chunks.return?.()),
  }
}

const HINTS: Readonly<Record<string, readonly [problem: string, hint: string]>> = {
  ENOENT: ['does not exist', 'Check the path.'],
  EACCES: ['may not be read by this user', 'Change its permissions, or run as a user who may read it.'],
  EPERM: ['may not be read by this user', 'Change its permissions, or run as a user who may read it.'],
  EISDIR: ['is a directory', `Name the file in it. ${EXPECTED}.`],
  ENOTDIR: ['is not a path: a part of it is no directory', 'Check the path.'],
}

/** Turns what the system said into what a person can use; everything unforeseen stays as it is. */
function explained(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof CaptureFileError) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (isZlibError(error)) return new CaptureFileError(path, 'is damaged gzip data', `${EXPECTED}.`)
  if (code === undefined || !('syscall' in error)) return error
  const [problem, hint] = HINTS[code] ?? [`cannot be read (${code})`, 'Check the disk and the path.']
  return new CaptureFileError(path, problem, hint)
}
