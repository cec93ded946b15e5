import type { RuleDirection, RuleEnd } from '#model/rule.ts'

/** Which end of a packet is meant. */
export const endOf = (end: RuleEnd, direction: RuleDirection): 'source' | 'target' =>
  end === 'peer' ? (direction === 'inbound' ? 'source' : 'target') : end
