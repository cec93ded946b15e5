import type { Condition } from '#model/rule.ts'
import type { Path, RuleReader } from './rule-reader.ts'

const MAX_NAMES = 16

/** A condition before it is known whether it is turned round. */
export type Body = Bare<Condition>
type Bare<Whole> = Whole extends unknown ? Omit<Whole, 'not' | 'text'> : never

/** What the values of one key mean; undefined when they do not fit, and the reader was told. */
export type Read = (reader: RuleReader, values: readonly Word[], path: Path) => Body | undefined

/** One value, and where it stands. */
export interface Word {
  readonly value: unknown
  readonly path: Path
}

/** Undefined as soon as one word cannot be read; all are read, so that all errors are told. */
export function complete<Value, Answer>(
  words: readonly Word[],
  read: (word: Word) => Value | undefined,
  build: (values: Value[]) => Answer,
): Answer | undefined {
  const values = words.map(read)
  return values.includes(undefined) ? undefined : build(values as Value[])
}

/** Says so where there are more than each of which makes a row of its own may be. */
export function few(reader: RuleReader, words: readonly Word[], what: string): readonly Word[] {
  const [last] = words.slice(MAX_NAMES)
  if (last) reader.wrong(last.path, `expected at most ${MAX_NAMES} ${what}`, 'Write a second rule.')
  return words
}
