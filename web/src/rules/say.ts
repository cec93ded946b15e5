import type { ReadRule } from '../../../src/contract/rule-drafting.ts'
import { text } from '../text/text.ts'
import { visible } from '../visible.ts'
import { CONDITIONS, fieldText, type RuleKeys } from './rule-keys.ts'

const LONGEST = 120

/** Which way a rule looks, in words. */
export function directionText({ direction }: RuleKeys): string {
  if (direction === undefined) return text.rules.anyDirection
  const named = (value: unknown): string =>
    Array.isArray(value)
      ? value.map(named).join(', ')
      : typeof value === 'object' && value !== null && 'not' in value
        ? text.rules.not(named(value.not))
        : (text.rules.directions[String(value)] ?? visible(String(value)))
  return named(direction)
}

/** What a rule asks of a packet beyond its direction, in words. */
export function conditionsText(keys: RuleKeys): string {
  const said = CONDITIONS.flatMap((key) => {
    const value = keys[key]
    return value === undefined ? [] : [text.rules.conditions[key](visible(fieldText(value), LONGEST))]
  })
  if (keys['schedule'] !== undefined) said.push(text.rules.scheduled)
  return said.join(' · ') || text.rules.anything
}

/** What a rule is called: its comment, its id, or what it asks. */
export function nameOf({ keys, comment, action }: ReadRule): string {
  if (comment) return visible(comment, LONGEST)
  if (typeof keys['id'] === 'string') return visible(keys['id'])
  const verb = text.rules.actions[action] ?? visible(action)
  return `${verb} ${directionText(keys).toLowerCase()} ${conditionsText(keys)}`
}
