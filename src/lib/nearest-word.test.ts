import fc from 'fast-check'
import { expect, test } from 'vitest'
import { editDistance, nearestWord } from './nearest-word.ts'

test.each([
  ['flowDays', 'flowsDays'],
  ['flwosDays', 'flowsDays'],
  ['FLOWSDAYS', 'flowsDays'],
  ['alertDay', 'alertsDays'],
  ['colour', undefined],
])('takes %s for %s', (word, meant) => {
  expect(nearestWord(word, ['flowsDays', 'alertsDays', 'maxMegabytes'])).toBe(meant)
})

test('a distance is 0 for the same word only, the same both ways, and at most the longer word', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      const distance = editDistance(a, b)
      expect(distance).toBe(editDistance(b, a))
      expect(distance === 0).toBe(a === b)
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length))
    }),
  )
})
