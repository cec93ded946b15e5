import { expect, test } from 'vitest'
import { aConnection } from '../connections/a-connection.ts'
import { countrySums } from './countries.ts'
import { middleOf } from './middles.ts'
import { drawWorld } from './world.ts'

test('connections add up by country; reserved and unknown addresses are told apart', () => {
  const sums = countrySums(
    [
      aConnection({ peer: '8.8.8.8', country: 'US', rateBackward: 5 }),
      aConnection({ peer: '8.8.4.4', country: 'us', verdict: 'blocked' }),
      aConnection({ peer: '10.0.0.1', special: 'private' }),
      aConnection({ peer: '203.0.113.1' }),
    ],
    { isIn: () => true, isBlocked: ({ verdict }) => verdict === 'blocked' },
  )
  expect(sums.map(({ country, hosts, blocked, down }) => [country, hosts.size, blocked, down])).toEqual([
    ['US', 2, 1, 5],
    ['', 1, 0, 0],
    ['local', 1, 0, 0],
  ])
})

test('countries stand where they should on the map', () => {
  const world = drawWorld(1000)
  const x = (country: string) => world.pointOf(country)?.[0] ?? 0
  const y = (country: string) => world.pointOf(country)?.[1] ?? 0
  expect(x('US')).toBeLessThan(x('DE'))
  expect(x('DE')).toBeLessThan(x('JP'))
  expect(y('SE')).toBeLessThan(y('ZA'))
  expect(world.pointOf('ZZ')).toBeUndefined()
  expect(middleOf('SG')).toEqual([104, 1])
  expect(world.land.length).toBeGreaterThan(10_000)
})
