import { REPUTATION_STEPS, reputationName } from '#model/reputation-name.ts'
import type { RuleEnd } from '#model/rule.ts'
import { complete, type Read, type Word } from './condition-words.ts'
import type { RuleReader } from './rule-reader.ts'

/** How bad an address is known to be: that of the other end, or of the end that the key names. */
export const REPUTATION_READERS: Readonly<Record<string, Read>> = {
  reputation: reputation('peer'),
  fromReputation: reputation('source'),
  toReputation: reputation('target'),
}

function reputation(end: RuleEnd): Read {
  return (reader, words) =>
    complete(
      words,
      (word) => stepOf(reader, word),
      (steps) => ({
        ...{ kind: 'domain', end },
        domains: steps.map((over) => ({ name: reputationName(over), isWithBelow: false })),
      }),
    )
}

function stepOf(reader: RuleReader, { value, path }: Word): number | undefined {
  const over = Number(/^> ?(\d{2})$/.exec(String(value))?.[1])
  if (REPUTATION_STEPS.includes(over)) return over
  return reader.unexpected(
    path,
    'a reputation such as ">80"',
    value,
    'Write ">10", ">20" … or ">90", in quotes.',
  )
}
