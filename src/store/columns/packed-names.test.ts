import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fitsText, type TextPattern } from '#contract/search/text-pattern.ts'
import { namesThatFit, packNames } from './packed-names.ts'

const letters = fc.constantFrom('a', 'b', 'A', '.', 'é', 'É', 'İ', '😀', 'ß', '\u0000', '\n')
const name = fc.array(letters, { maxLength: 6 }).map((all) => all.join(''))
const piece = fc.array(letters, { maxLength: 2 }).map((all) => all.join('').toLowerCase())
const pattern: fc.Arbitrary<TextPattern> = fc.record({
  pieces: fc.array(piece, { minLength: 0, maxLength: 4 }),
  isWhole: fc.boolean(),
})

test('packed names fit the same patterns as each name alone', () => {
  let found = 0
  fc.assert(
    fc.property(fc.array(name, { maxLength: 12 }), pattern, (names, one) => {
      const fitting = namesThatFit(one, packNames(names.map((text, at) => [at * 3, text])))
      expect(fitting).toEqual(names.flatMap((text, at) => (fitsText(one, text) ? [at * 3] : [])))
      found += fitting.length
    }),
    { numRuns: 2000 },
  )
  expect(found).toBeGreaterThan(500)
})

test('half of a letter of two UTF-16 units is in no name', () => {
  const packed = packNames([[0, '\ufffd']])
  expect(namesThatFit({ pieces: ['\ud83d'], isWhole: false }, packed)).toEqual([])
  expect(namesThatFit({ pieces: ['\ufffd'], isWhole: false }, packed)).toEqual([0])
})
