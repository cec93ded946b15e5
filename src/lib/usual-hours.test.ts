import fc from 'fast-check'
import { expect, test } from 'vitest'
import { UsualHours } from './usual-hours.ts'

const HOUR = 3_600_000
const MONDAY = Date.UTC(2026, 0, 5)

/** Weeks in which each hour has the amount that `amountOf` says. */
function weeks(count: number, amountOf: (hour: number) => number, usual = new UsualHours()): UsualHours {
  for (let hour = 0; hour < count * 168; hour++) usual.learn(MONDAY + hour * HOUR, amountOf(hour))
  return usual
}

test('each hour of the week has its own mean', () => {
  const usual = weeks(4, (hour) => (hour % 24 === 3 ? 1_000 : 10))
  expect(usual.at(MONDAY + 3 * HOUR)).toEqual({ mean: 1_000, spread: 0 })
  expect(usual.at(MONDAY + 12 * HOUR)).toEqual({ mean: 10, spread: 0 })
})

test('what is usual an hour earlier is not strange now', () => {
  const usual = weeks(4, (hour) => (hour % 24 === 3 ? 1_000 : 10))
  for (const hour of [2, 3, 4]) expect(usual.at(MONDAY + hour * HOUR).mean).toBe(1_000)
  expect(usual.at(MONDAY + 5 * HOUR).mean).toBe(10)
})

test('the spread is what the amounts differ by', () => {
  const usual = weeks(5, (hour) => 100 + (Math.floor(hour / 168) % 2 === 0 ? 20 : -20))
  const { mean, spread } = usual.at(MONDAY)
  expect(mean).toBeGreaterThan(90)
  expect(mean).toBeLessThan(115)
  expect(spread).toBeGreaterThan(20)
  expect(spread).toBeLessThan(60)
})

test('one strange hour hardly moves it, a new habit is learned within weeks', () => {
  const usual = weeks(5, () => 100)
  usual.learn(MONDAY, 1_000_000)
  expect(usual.at(MONDAY).mean).toBeLessThan(150)
  weeks(8, () => 1_000, usual)
  expect(usual.at(MONDAY).mean).toBeGreaterThan(800)
})

test('what was learned comes back from its state, and a state that is broken is none', () => {
  const usual = weeks(3, (hour) => hour)
  expect(new UsualHours(usual.state).at(MONDAY)).toEqual(usual.at(MONDAY))
  expect(new UsualHours(new Uint8Array(7)).mean).toBe(0)
  expect(new UsualHours(usual.state.fill(0xff)).mean).toBe(0)
})

test('it stays a number, whatever it learns', () => {
  const amounts = fc.array(fc.tuple(fc.double({ min: 0, max: 1e18, noNaN: true }), fc.integer()), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(amounts, (hours) => {
      const usual = new UsualHours()
      for (const [amount, hour] of hours) usual.learn(hour * HOUR, amount)
      const { mean, spread } = usual.at(MONDAY)
      expect(mean).toBeGreaterThanOrEqual(0)
      expect(spread).toBeGreaterThanOrEqual(0)
      expect(Number.isFinite(mean + spread)).toBe(true)
    }),
  )
})
