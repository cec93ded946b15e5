import { expect, test } from 'vitest'
import { FLOW_STATES } from '#model/flow.ts'
import { isProvenSender } from './proven-sender.ts'

test('who calls is proven by a handshake alone, whom we called is there', () => {
  const proven = FLOW_STATES.filter((state) => isProvenSender({ direction: 'inbound', state }))
  expect(proven).toEqual(['established', 'closing', 'closed'])
  expect(isProvenSender({ direction: 'outbound', state: 'syn-sent' })).toBe(true)
})
