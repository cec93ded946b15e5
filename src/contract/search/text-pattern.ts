/** Text that is looked for. Case does not matter; accents do. */
export interface TextPattern {
  /** In lower case; between two pieces anything may stand. */
  readonly pieces: readonly string[]
  /** True: nothing may stand before the first and after the last piece. */
  readonly isWhole: boolean
}

/** Says whether `text` fits. Linear: the pattern comes from a person, the text from the wire. */
export function fitsText({ pieces, isWhole }: TextPattern, text: string | undefined): boolean {
  if (text === undefined) return false
  const lower = text.toLowerCase()
  const [first = '', ...others] = pieces
  if (!isWhole) return lower.includes(first)
  const last = others.pop()
  if (last === undefined) return lower === first
  if (lower.length < first.length + last.length) return false
  if (!lower.startsWith(first) || !lower.endsWith(last)) return false
  return hasInOrder(lower.slice(first.length, lower.length - last.length), others)
}

function hasInOrder(text: string, pieces: readonly string[]): boolean {
  let at = 0
  for (const piece of pieces) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return true
}
