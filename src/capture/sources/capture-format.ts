import { type CapturedInterface, isKnownLinkType, LINK_TYPE } from '#capture/source.ts'

/** The longest frame a capture may hold: what tcpdump keeps at most. A longer one is damage. */
export const MAX_FRAME_BYTES = 262_144

/** The longest record that is read whole, frame, options and all. Must fit into the window of the reader. */
export const MAX_RECORD_BYTES = 1 << 20

/** The last moment that a Date can hold (ECMA-262 §21.4.1.1): a file may claim any. */
const MAX_TIME_MS = 8_640_000_000_000_000

/** Reads the records of one file format out of a window of bytes that moves over the file. */
export interface CaptureFormat {
  /** Grows while the file is read. */
  readonly interfaces: CapturedInterface[]
  /** Packets delivered. */
  readonly packets: number
  /** Why the file cannot be read beyond the record at which `consume` stopped. */
  readonly damage: string | undefined
  /**
   * Delivers the records that lie whole in [start, end). Answers where the next one begins: below `end` when it is not
   * whole yet, beyond `end` when the record at `start` is one to skip. Throws CaptureFileError for a link type we do not know.
   */
  consume(view: DataView, start: number, end: number): number
}

/** A capture that cannot be read at all. The message is for people: what is wrong, what was expected, what to do. */
export class CaptureFileError extends Error {
  readonly path: string
  readonly hint: string

  constructor(path: string, problem: string, hint: string) {
    super(`${path === '-' ? 'standard input' : path}: ${problem}. ${hint}`)
    this.name = 'CaptureFileError'
    this.path = path
    this.hint = hint
  }
}

/** Time in milliseconds as far as a Date can hold it: a hostile file must not break who formats it. */
export const plausibleTime = (at: number): number => (at >= 0 ? Math.min(at, MAX_TIME_MS) : 0)

/** LINKTYPE_RAW has three numbers; the decoder gets one. */
export const canonicalLinkType = (linkType: number): number =>
  linkType === 12 || linkType === 14 ? LINK_TYPE.raw : linkType

/** Throws when the decoder does not know this link type. */
export function requireLinkType(path: string, linkType: number): void {
  if (isKnownLinkType(linkType)) return
  const known = Object.entries(LINK_TYPE).map(([name, number]) => `${number} (${name})`)
  throw new CaptureFileError(
    path,
    `its frames have link type ${linkType}, which Gatehouse cannot read`,
    `It reads link types ${known.join(', ')}: capture on an interface of such a type (tcpdump -L lists them).`,
  )
}
