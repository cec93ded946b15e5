import { expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import type { Block } from '#model/block.ts'
import type { Decision } from '#model/decision.ts'
import type { Trust } from '#model/trust.ts'
import { createSuggestions } from './suggestions.ts'

const target = ip('203.0.113.9')
const block: Block = { target, origin: 'detector', actor: 'port-scan', reason: '', since: 0, decisionId: 1 }
const taken = (actor: string): Decision => ({ id: 2, at: 5, kind: 'unblock', target, actor, reason: 'no' })

function suggestionsWith(remembered: readonly Trust[] = []) {
  const recorded: Trust[] = []
  const suggestions = createSuggestions({
    remembered,
    confirmations: () => 2,
    now: () => 7,
    record: (trust) => recorded.push(trust),
  })
  return { ...suggestions, recorded }
}

test('a detector acts by itself after so many accepted suggestions, and no other does', () => {
  const { accepted, isTrusted, recorded } = suggestionsWith()
  accepted('port-scan')
  expect(isTrusted('port-scan')).toBe(false)
  accepted('port-scan')
  expect([isTrusted('port-scan'), isTrusted('flood')]).toEqual([true, false])
  expect(recorded.at(-1)).toEqual({ detector: 'port-scan', accepted: 2, at: 7 })
})

test('what it earned in an earlier run counts', () => {
  const { accepted, isTrusted } = suggestionsWith([{ detector: 'port-scan', accepted: 1, at: 1 }])
  accepted('port-scan')
  expect(isTrusted('port-scan')).toBe(true)
})

test('the first of its blocks that a person takes back sends it back to suggesting', () => {
  const { learn, isTrusted, recorded } = suggestionsWith([{ detector: 'port-scan', accepted: 2, at: 1 }])
  learn(taken('anna'), block)
  expect(isTrusted('port-scan')).toBe(false)
  expect(recorded).toEqual([{ detector: 'port-scan', accepted: 0, at: 7 }])
})

test('a block that ends by itself, or that a person had made, says nothing about the detector', () => {
  const { learn, isTrusted } = suggestionsWith([{ detector: 'port-scan', accepted: 2, at: 1 }])
  learn(taken('gatehouse'), block)
  learn({ ...taken('anna'), kind: 'expire' }, block)
  learn(taken('anna'), { ...block, origin: 'person', actor: 'ben' })
  expect(isTrusted('port-scan')).toBe(true)
})
