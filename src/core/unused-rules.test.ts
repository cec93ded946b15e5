import { expect, test } from 'vitest'
import { parseRules } from '#policy/rules/parse.ts'
import { unusedRules } from './unused-rules.ts'

const DAY_MS = 86_400_000
const { book } = parseRules(
  `rules:
  - { id: used, action: allow, port: 22, protocol: tcp }
  - { id: idle, action: deny, toDomain: .ads.example }
  - { id: idle-too, action: allow, program: /usr/bin/no-such }
  - { id: off, action: deny, port: 1, protocol: tcp, enabled: false }
`,
  'test',
  { uidOf: () => undefined, listText: () => undefined, programAt: (path) => ({ path }) },
)
const counts = new Map([
  ['used', { packets: 7 }],
  ['idle', { packets: 0 }],
])

test('rules that no packet met in a day are named, whatever they ask for; those that are off are not', () => {
  if (!book) throw new Error('the rules are wrong')
  expect(unusedRules(book, counts, { since: 0, now: DAY_MS - 1 })).toEqual([])
  const found = unusedRules(book, counts, { since: 0, now: 2 * DAY_MS })
  expect(found.map(({ number, id, kind }) => [number, id, kind])).toEqual([
    [2, 'idle', 'unused'],
    [3, 'idle-too', 'unused'],
  ])
  expect(found[0]?.text).toContain('no packet met it in 2 days')
})
