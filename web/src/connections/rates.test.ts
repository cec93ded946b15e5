import { expect, test } from 'vitest'
import { aConnection } from './a-connection.ts'
import { RateHistory } from './rates.ts'

const at = (bytesForward: number) => aConnection({ id: 7, bytesForward, bytesBackward: 0 })

test('remembers how fast a connection was, ten seconds a point, newest last', () => {
  const history = new RateHistory()
  const live = new Map([[7, at(100)]])
  expect(history.tick(0, live)).toBe(true)
  live.set(7, at(1100))
  expect(history.tick(9_999, live)).toBe(false)
  expect(history.tick(10_000, live)).toBe(true)
  live.set(7, at(1600))
  history.tick(20_000, live)
  expect([...history.sum([at(0)])].slice(-3)).toEqual([0, 100, 50])
  expect([...history.sum([at(0), at(0)])].at(-1)).toBe(100)
})

test('forgets connections that went, and more than five minutes', () => {
  const history = new RateHistory()
  const live = new Map([[7, at(0)]])
  history.tick(0, live)
  live.set(7, at(1000))
  for (let turn = 1; turn <= 31; turn++) history.tick(turn * 10_000, live)
  expect(Math.max(...history.sum([at(0)]))).toBe(0)
  live.clear()
  history.tick(400_000, live)
  live.set(7, at(5000))
  history.tick(410_000, live)
  expect(Math.max(...history.sum([at(0)]))).toBe(0)
})
