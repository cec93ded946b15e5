import { expect, test } from 'vitest'
import type { NameReport } from '#model/name.ts'
import { createPointerDesk } from './pointer-desk.ts'

const ANNA = { name: 'anna', role: 'operator' } as const

function aDesk(reverse: () => Promise<readonly string[]>) {
  const learned: NameReport[] = []
  const recorded: string[] = []
  const desk = createPointerDesk({
    record: async ({ why }) => void recorded.push(why),
    peers: { learn: (names) => void learned.push(...names) },
    standpoint: () => ({ isOwn: () => false }) as never,
    now: () => 5,
    resolver: { servers: () => ['192.0.2.53'], reverse },
  })
  return { desk, learned, recorded }
}

test('a name that reverse DNS gives is told with its source, learned, and put on record with who asked', async () => {
  const { desk, learned, recorded } = aDesk(async () => ['host.example'])
  const answer = { address: '203.0.113.9', name: 'host.example', nameSource: 'ptr' }
  expect(await desk.ask('203.0.113.9', ANNA)).toEqual(answer)
  expect(learned).toMatchObject([{ address: '203.0.113.9', name: 'host.example', source: 'ptr' }])
  expect(recorded).toEqual(['reverse DNS, asked for by anna'])
})

test('no name is said to be none, and nothing is learned', async () => {
  const { desk, learned } = aDesk(async () => [])
  const because = 'reverse DNS has no name for it'
  expect(await desk.ask('2001:db8::9', ANNA)).toEqual({ address: '2001:db8::9', because })
  expect(learned).toEqual([])
})

test('a range has no name to ask for', async () => {
  const { desk, recorded } = aDesk(async () => [])
  await expect(desk.ask('203.0.113.0/24', ANNA)).rejects.toThrow('is not an address')
  expect(recorded).toEqual([])
})
