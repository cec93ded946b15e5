/** The word of `among` that somebody who wrote `word` most likely meant; absent when none is near. */
export function nearestWord(word: string, among: readonly string[]): string | undefined {
  const wanted = word.toLowerCase().slice(0, MAX_LENGTH)
  const allowed = Math.max(1, Math.floor(wanted.length / 3))
  let best: { readonly word: string; readonly distance: number } | undefined
  for (const candidate of among) {
    const distance = editDistance(wanted, candidate.toLowerCase().slice(0, MAX_LENGTH))
    if (distance <= allowed && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) {
      best = { word: candidate, distance }
    }
  }
  return best?.word
}

const MAX_LENGTH = 64

/** Insertions, deletions and replacements, and swaps of neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, at) => at)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (rows[i - 1]?.[j - 1] as number) + Number(a[i - 1] !== b[j - 1])
      const remove = (rows[i - 1]?.[j] as number) + 1
      const insert = (row[j - 1] as number) + 1
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = isSwap ? (rows[i - 2]?.[j - 2] as number) + 1 : replace
      row.push(Math.min(replace, remove, insert, swap))
    }
    rows.push(row)
  }
  return rows.at(-1)?.at(-1) ?? 0
}
