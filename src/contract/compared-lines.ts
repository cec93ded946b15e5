import { commonPairs } from './common-pairs.ts'

/** One line of a comparison; `number` is its place in the text that it is of. */
export interface ComparedLine {
  readonly kind: 'same' | 'added' | 'removed'
  readonly text: string
  readonly number: number
}

/** Two texts line by line, as `diff` has it: what went before what came. */
export function compareLines(before: string, after: string): ComparedLine[] {
  const [old, fresh] = [linesOf(before), linesOf(after)]
  const lines: ComparedLine[] = []
  let [row, column] = [0, 0]
  const until = (oldEnd: number, freshEnd: number): void => {
    for (; row < oldEnd; row++) lines.push({ kind: 'removed', text: old[row] ?? '', number: row + 1 })
    for (; column < freshEnd; column++)
      lines.push({ kind: 'added', text: fresh[column] ?? '', number: column + 1 })
  }
  for (const [at, there] of commonPairs(old, fresh)) {
    until(at, there)
    lines.push({ kind: 'same', text: fresh[there] ?? '', number: there + 1 })
    row = at + 1
    column = there + 1
  }
  until(old.length, fresh.length)
  return lines
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'))
