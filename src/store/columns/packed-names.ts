import type { TextPattern } from '#contract/search/text-pattern.ts'
import { packNumbers, unpackNumbers } from './packing.ts'

/** Names in lower case, one after the other: each has a number and how many bytes it is. */
export interface PackedNames {
  readonly places: Uint8Array
  readonly texts: Uint8Array
}

/** In no text of UTF-8: nothing that is looked for reaches from one name into the next. */
const BETWEEN = Buffer.of(0xff)

export function packNames(names: readonly (readonly [place: number, name: string])[]): PackedNames {
  const texts = names.map(([, name]) => Buffer.from(name.toLowerCase()))
  return {
    places: packNumbers(names.flatMap(([place], at) => [place, texts[at]?.length ?? 0])),
    texts: Buffer.concat(texts.flatMap((text) => [text, BETWEEN])),
  }
}

/** The numbers of the names that fit, as `fitsText` would say it of each. */
export function namesThatFit(pattern: TextPattern, { places, texts }: PackedNames): number[] {
  // Half of a pair of UTF-16 is in no name, but would become another letter in UTF-8.
  if (!pattern.pieces.every((piece) => piece.isWellFormed())) return []
  const [first = '', ...others] = pattern.pieces
  const pieces = [first, ...others].map((piece) => Buffer.from(piece))
  const bytes = Buffer.from(texts.buffer, texts.byteOffset, texts.length)
  return pattern.isWhole
    ? wholeThatFit(pieces, bytes, unpackNumbers(places))
    : namesWith(Buffer.from(first), bytes, unpackNumbers(places))
}

/** One pass over all texts: from a name that has it straight to the next. */
function namesWith(piece: Buffer, texts: Buffer, places: Uint32Array): number[] {
  const found: number[] = []
  let end = -1
  let at = piece.length === 0 ? 0 : texts.indexOf(piece)
  for (let name = 0; name < places.length && at >= 0; name += 2) {
    end += 1 + (places[name + 1] as number)
    if (at > end) continue
    found.push(places[name] as number)
    at = piece.length === 0 ? end : texts.indexOf(piece, end)
  }
  return found
}

function wholeThatFit(pieces: readonly Buffer[], texts: Buffer, places: Uint32Array): number[] {
  const found: number[] = []
  let start = 0
  for (let name = 0; name < places.length; name += 2) {
    const end = start + (places[name + 1] as number)
    if (fitsWhole(pieces, texts, start, end)) found.push(places[name] as number)
    start = end + 1
  }
  return found
}

function fitsWhole(pieces: readonly Buffer[], texts: Buffer, start: number, end: number): boolean {
  const [first, last] = [pieces[0], pieces.at(-1)]
  if (!first || !last) return false
  const room = end - start - first.length
  if (pieces.length === 1) return room === 0 && isAt(first, texts, start)
  if (room < last.length || !isAt(last, texts, end - last.length) || !isAt(first, texts, start)) return false
  return pieces.length === 2 || hasInOrder(pieces, texts.subarray(start + first.length, end - last.length))
}

/** A loop: pieces are short, and names are many. */
function isAt(piece: Buffer, texts: Buffer, start: number): boolean {
  for (let at = 0; at < piece.length; at++) if (piece[at] !== texts[start + at]) return false
  return true
}

function hasInOrder(pieces: readonly Buffer[], text: Buffer): boolean {
  let at = 0
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return true
}
