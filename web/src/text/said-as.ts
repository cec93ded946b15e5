/**
 * How the daemon says something, and how a language does: `{}` stands for any words, in the same order in both.
 * `{1}` and `{2}` name them where the order differs.
 */
export type SaidAs = readonly [english: string, translated: string]

/** A piece of a sentence; `isEnglish` where it stayed as the daemon wrote it. */
export interface SaidPart {
  readonly text: string
  readonly isEnglish: boolean
}

interface Reading {
  readonly pattern: RegExp
  readonly translated: readonly string[]
}

const MOST_KEPT = 500
/** Longer ones stay as they are: they may come from outside, and to read them costs. */
const LONGEST = 400
const DEEPEST = 3
const HOLE = /\{(\d?)\}/

/**
 * Reads what the daemon says; the first that fits counts, so put the special before the general. `own` are sentences of
 * the page itself that come the same way.
 */
export function createSaid(
  all: readonly SaidAs[],
  own: ReadonlySet<string>,
): (sentence: string) => readonly SaidPart[] {
  const readings = all.map(readingOf)
  const kept = new Map<string, readonly SaidPart[]>()

  function partsOf(sentence: string, depth: number): readonly SaidPart[] | undefined {
    for (const { pattern, translated } of readings) {
      const found = pattern.exec(sentence)
      if (found) return translated.flatMap((piece) => filled(piece, found, depth))
    }
    return undefined
  }

  function filled(piece: string, found: RegExpExecArray, depth: number): readonly SaidPart[] {
    const hole = HOLE.exec(piece)
    if (!hole) return piece === '' ? [] : [{ text: piece, isEnglish: false }]
    const words = found[Number(hole[1])] ?? ''
    return (
      (depth < DEEPEST ? partsOf(words, depth + 1) : undefined) ?? [
        { text: words, isEnglish: isProse(words) },
      ]
    )
  }

  return (sentence) => {
    const known = kept.get(sentence)
    if (known) return known
    const parts = (sentence.length <= LONGEST ? partsOf(sentence, 0) : undefined) ?? [
      { text: sentence, isEnglish: readings.length > 0 && !own.has(sentence) && /\p{L}/u.test(sentence) },
    ]
    if (kept.size >= MOST_KEPT) kept.clear()
    kept.set(sentence, parts)
    return parts
  }
}

/** A name, an address or a figure is the same in any language. */
const isProse = (words: string): boolean => /\p{L}{2,} \p{L}{2,}/u.test(words)

function readingOf([english, translated]: SaidAs): Reading {
  const pieces = english.split('{}').map((piece) => piece.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  let count = 0
  return {
    pattern: new RegExp(`^${pieces.join('(.+?)')}$`, 'su'),
    translated: translated.split(/(\{\d?\})/).map((piece) => (piece === '{}' ? `{${++count}}` : piece)),
  }
}
