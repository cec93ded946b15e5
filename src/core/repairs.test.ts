import { expect, test } from 'vitest'
import type { Undated } from './gate.ts'
import { createRepairBook } from './repairs.ts'

test('a table that is put back is a decision, and one that is fought over is one a minute', () => {
  const noted: Undated[] = []
  const said: string[] = []
  let at = 0
  const repaired = createRepairBook({
    note(undated) {
      noted.push(undated)
      return { decision: { id: 1, at, ...undated }, recorded: Promise.resolve() }
    },
    say: (text) => said.push(text),
    now: () => at,
  })
  repaired('The table inet gatehouse was removed by another program; Gatehouse put it back')
  for (at = 1000; at < 60_000; at += 1000) repaired('The table inet gatehouse was changed')
  repaired('The table inet gatehouse_rules was changed by another program')
  repaired('The table inet gatehouse was changed again')
  expect(noted.map(({ kind, target }) => [kind, target])).toEqual([
    ['repair', 'table inet gatehouse'],
    ['repair', 'table inet gatehouse_rules'],
    ['repair', 'table inet gatehouse'],
  ])
  expect(said.at(-1)).toContain('59 times more')
})
