import { createHash } from 'node:crypto'

/** How a client speaks TLS: equal programs look alike, whatever they are called and whoever they call. */
export interface Fingerprints {
  /** Over TCP alone. */
  readonly ja3?: string
  readonly ja4: string
}

/** A record header, a handshake header, version and random. */
const RECORD_LENGTH_AT = 3
const RECORD_HEADER = 5
const TYPE_AT = 5
const CLIENT_HELLO = 1
const VERSION_AT = 9
const SESSION_AT = 43
const HEADERS = 9
const EXTENSION = { name: 0, groups: 10, formats: 11, signatures: 13, alpn: 16, versions: 43 } as const
const MOST_IN_A_COUNT = 99

/** What stands in a ClientHello, without GREASE (RFC 8701), in its order. */
interface Hello {
  readonly version: number
  readonly ciphers: readonly number[]
  readonly extensions: readonly number[]
  readonly groups: readonly number[]
  readonly formats: readonly number[]
  readonly signatures: readonly number[]
  readonly versions: readonly number[]
  readonly alpn: Uint8Array | undefined
}

/** Whether there is a ClientHello whose one record begins at `start`, to its last byte. */
export function isWholeHello(view: DataView, start: number, end: number): boolean {
  if (end - start < SESSION_AT || view.getUint8(start + TYPE_AT) !== CLIENT_HELLO) return false
  const length = HEADERS + lengthOf(view, start)
  return end - start >= length && view.getUint16(start + RECORD_LENGTH_AT) >= length - RECORD_HEADER
}

/** 24 bits, behind the type. */
const lengthOf = (view: DataView, start: number): number => view.getUint32(start + TYPE_AT) & 0xff_ffff

/**
 * The fingerprints of a whole ClientHello (RFC 8446 §4.1.2) whose one record begins at `start`; undefined where its
 * lengths do not fit. `transport`: `t` for TCP, `q` for QUIC.
 */
export function fingerprintsOf(
  view: DataView,
  start: number,
  transport: 't' | 'q',
): Fingerprints | undefined {
  const end = start + HEADERS + lengthOf(view, start)
  try {
    const hello = readHello(new Bytes(view, start + SESSION_AT, end), view.getUint16(start + VERSION_AT))
    const ja4 = ja4Of(hello, transport)
    return transport === 'q' ? { ja4 } : { ja3: ja3Of(hello), ja4 }
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function readHello(bytes: Bytes, version: number): Hello {
  bytes.sized(1)
  const ciphers = bytes.sized(2).numbers(2)
  bytes.sized(1)
  const extensions: number[] = []
  const bodies = new Map<number, Bytes>()
  const list = bytes.isOver ? undefined : bytes.sized(2)
  while (list && !list.isOver) {
    const type = list.number(2)
    const body = list.sized(2)
    if (isGrease(type)) continue
    extensions.push(type)
    if (!bodies.has(type)) bodies.set(type, body)
  }
  const numbersIn = (type: number, lengthBytes: number, size: number): readonly number[] =>
    bodies.get(type)?.sized(lengthBytes).numbers(size) ?? []
  return {
    version,
    ciphers,
    extensions,
    groups: numbersIn(EXTENSION.groups, 2, 2),
    formats: numbersIn(EXTENSION.formats, 1, 1),
    signatures: numbersIn(EXTENSION.signatures, 2, 2),
    versions: numbersIn(EXTENSION.versions, 1, 2),
    alpn: bodies.get(EXTENSION.alpn)?.sized(2).sized(1).rest(),
  }
}

/** github.com/salesforce/ja3: version, ciphers, extensions, groups and point formats, in decimal. */
function ja3Of({ version, ciphers, extensions, groups, formats }: Hello): string {
  const lists = [ciphers, extensions, groups, formats].map((list) => list.join('-'))
  return createHash('md5')
    .update([version, ...lists].join(','))
    .digest('hex')
}

/** github.com/FoxIO-LLC/ja4, technical details of JA4. */
function ja4Of(hello: Hello, transport: 't' | 'q'): string {
  const { ciphers, extensions, signatures } = hello
  const version = VERSIONS[Math.max(...hello.versions, 0) || hello.version] ?? '00'
  const name = extensions.includes(EXTENSION.name) ? 'd' : 'i'
  const first = `${transport}${version}${name}${counted(ciphers)}${counted(extensions)}${ends(hello.alpn)}`
  const others = extensions.filter((type) => type !== EXTENSION.name && type !== EXTENSION.alpn)
  const signed = signatures.length === 0 ? '' : `_${signatures.map(hex).join(',')}`
  const last = extensions.length === 0 ? NOTHING : shortHash(`${sorted(others)}${signed}`)
  return `${first}_${ciphers.length === 0 ? NOTHING : shortHash(sorted(ciphers))}_${last}`
}

const VERSIONS: Readonly<Record<number, string>> = {
  772: '13',
  771: '12',
  770: '11',
  769: '10',
  768: 's3',
  2: 's2',
}
const NOTHING = '0'.repeat(12)

const hex = (value: number): string => value.toString(16).padStart(4, '0')
const sorted = (values: readonly number[]): string => values.map(hex).sort().join(',')
const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12)
const counted = ({ length }: readonly number[]): string =>
  String(Math.min(length, MOST_IN_A_COUNT)).padStart(2, '0')

/** First and last character of the first protocol; of one that is no text, of its hexadecimal form. */
function ends(alpn: Uint8Array | undefined): string {
  if (alpn === undefined || alpn.length === 0) return '00'
  const [first = 0, last = 0] = [alpn[0], alpn.at(-1)]
  if (isLetterOrDigit(first) && isLetterOrDigit(last)) return String.fromCharCode(first, last)
  return `${(first >>> 4).toString(16)}${(last & 15).toString(16)}`
}

const isLetterOrDigit = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)

/** 0x0a0a, 0x1a1a … 0xfafa. */
const isGrease = (value: number): boolean => (value & 0x0f0f) === 0x0a0a && value >>> 8 === (value & 255)

/** Reads forward; throws a RangeError beyond the end. */
class Bytes {
  readonly #view: DataView
  #at: number
  readonly #end: number

  constructor(view: DataView, from: number, end: number) {
    this.#view = view
    this.#at = from
    this.#end = end
  }

  get isOver(): boolean {
    return this.#at >= this.#end
  }

  number(size: number): number {
    const at = this.#take(size)
    return size === 1 ? this.#view.getUint8(at) : this.#view.getUint16(at)
  }

  /** What a length in front says. */
  sized(lengthBytes: number): Bytes {
    const length = this.number(lengthBytes)
    const from = this.#take(length)
    return new Bytes(this.#view, from, from + length)
  }

  /** All that is left, without GREASE. */
  numbers(size: number): number[] {
    const values: number[] = []
    while (!this.isOver) {
      const value = this.number(size)
      if (size === 1 || !isGrease(value)) values.push(value)
    }
    return values
  }

  rest(): Uint8Array {
    const from = this.#take(this.#end - this.#at)
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + from, this.#end - from)
  }

  #take(size: number): number {
    const at = this.#at
    if (at + size > this.#end) throw new RangeError('beyond the end')
    this.#at += size
    return at
  }
}
