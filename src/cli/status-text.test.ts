import { expect, test } from 'vitest'
import { aStatus } from '../../test/support/port.ts'
import { statusText } from './commands/status.ts'

const withCounts = (counts: Partial<typeof aStatus.counts>): string =>
  statusText({ ...aStatus, counts: { ...aStatus.counts, ...counts } })

test('tables that were never full are not spoken of', () => {
  expect(withCounts({})).not.toContain('Tables full')
})

test('what a flood did to the tables is said: who made room, and what found none', () => {
  expect(withCounts({ evictedFlows: 7_000 })).toMatch(
    /Tables full +7000 flows made room for new ones, the unanswered first\n/,
  )
  expect(withCounts({ refusedFlows: 2, refusedHosts: 1 })).toMatch(
    /Tables full +3 times nothing new was taken; what was known is kept\n/,
  )
})
