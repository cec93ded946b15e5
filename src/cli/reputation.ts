import type { Reputation } from '#contract/reputation.ts'
import { visibleText } from '#lib/visible-text.ts'

/** "87 of 100. It is known to be bad." and below what it is made of. */
export function reputationText({ score, sentence, factors }: Reputation): string {
  const points = (value: number): string => (value > 0 ? `+${value}` : String(value)).padStart(4)
  const lines = factors.map((factor) => `${points(factor.points)}  ${visibleText(factor.sentence)}`)
  return [`Reputation  ${score} of 100. ${sentence}`, ...lines, ''].join('\n')
}
