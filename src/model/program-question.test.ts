import { expect, test } from 'vitest'
import { answerTo, isContainer, isPathLike, questionKey } from './program-question.ts'

test.each([
  ['/usr/bin/curl', '/usr/bin/curl', true],
  ['/usr/bin/curl', '/usr/bin/curl2', false],
  ['/usr/bin/*', '/usr/bin/curl', true],
  ['/usr/bin/*', '/usr/local/bin/curl', false],
  ['*/curl', '/home/x/curl', true],
  ['*/curl', '/home/x/mycurl', false],
  ['/opt/*/bin/*', '/opt/a/b/bin/run', true],
  ['/opt/*/bin/*', '/opt/bin/run', false],
  ['/a*a', '/a', false],
  ['/a*b*b', '/ab', false],
  ['*', '/anything', true],
])('%s stands for %s: %s', (pattern, path, is) => expect(isPathLike(path, pattern)).toBe(is))

test('what is not known is neither so nor not so; what is known to be none is not', () => {
  const question = { kind: 'package', values: ['curl'] } as const
  expect(answerTo(question, {})).toBeUndefined()
  expect(answerTo(question, { packages: [] })).toBe(false)
  expect(answerTo(question, { packages: ['curl'] })).toBe(true)
  expect(answerTo({ kind: 'unit', values: ['a.service'] }, { units: ['x.slice', 'a.service'] })).toBe(true)
})

test('a container answers to its name, its id and the first twelve digits of that, not to fewer', () => {
  const id = `${'0123456789ab'}${'c'.repeat(52)}`
  expect(isContainer(id, id)).toBe(true)
  expect(isContainer(id, '0123456789ab')).toBe(true)
  expect(isContainer(id, '0123456789a')).toBe(false)
  expect(isContainer('web', 'web')).toBe(true)
  expect(isContainer('web-two', 'web')).toBe(false)
})

test('a file of several names is each of them', () => {
  expect(answerTo({ kind: 'program', values: ['/b'] }, { paths: ['/a', '/b'] })).toBe(true)
})

test('the order of values is no other question', () => {
  expect(questionKey({ kind: 'program', values: ['/b', '/a'] })).toBe(
    questionKey({ kind: 'program', values: ['/a', '/b'] }),
  )
})
