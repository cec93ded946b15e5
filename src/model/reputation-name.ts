/**
 * A rule by reputation goes the way of a rule by domain: an address of bad reputation bears names that no DNS answer
 * can give it, since those come in lower case. From `REPUTATION>10` to `REPUTATION>90`.
 */
export const REPUTATION_STEPS: readonly number[] = [10, 20, 30, 40, 50, 60, 70, 80, 90]

export const reputationName = (over: number): string => `REPUTATION>${over}`

/** All names that an address of this score bears. */
export const namesOfScore = (score: number): readonly string[] =>
  REPUTATION_STEPS.filter((over) => score > over).map(reputationName)

/** 80 for `REPUTATION>80`; undefined for every other name. */
export function reputationOver(name: string): number | undefined {
  return REPUTATION_STEPS.find((over) => reputationName(over) === name)
}
