import { expect, test } from 'vitest'
import { aFinding } from '../../test/support/findings.ts'
import { createAlertBook } from './alert-book.ts'

test('the same story within an hour is one alert that counts', () => {
  const book = createAlertBook([], 7)
  book.fold(aFinding({ at: 0 }))
  const { alert, isNew } = book.fold(aFinding({ at: 3_599_999, summary: 'tried 40 ports' }))

  expect(isNew).toBe(false)
  expect(alert).toMatchObject({ id: 8, times: 2, at: 0, lastSeenAt: 3_599_999, summary: 'tried 40 ports' })
  expect(book.open).toBe(1)
})

test('after an hour of silence it is a new alert', () => {
  const book = createAlertBook([], 0)
  book.fold(aFinding({ at: 0 }))
  expect(book.fold(aFinding({ at: 3_600_000 }))).toMatchObject({ isNew: true, alert: { id: 2, times: 1 } })
})

test('goes on with the alerts of an earlier run', () => {
  const first = createAlertBook([], 0).fold(aFinding({ at: 0 })).alert
  const book = createAlertBook([first], 1)
  expect(book.fold(aFinding({ at: 5 })).alert).toMatchObject({ id: 1, times: 2 })
})

test('an archived alert needs nobody', () => {
  const book = createAlertBook([], 0)
  const { alert } = book.fold(aFinding())
  book.change(alert.id, { archived: true })
  expect(book.open).toBe(0)
})

test('ten thousand findings in forged names leave what is proven, and what waits for a person, where it was', () => {
  const book = createAlertBook([], 0)
  const proven = book.fold(aFinding({ key: 'brute-force', spoofable: false })).alert
  const { alert } = book.fold(aFinding({ key: 'suggested' }))
  book.change(alert.id, { suggestion: { target: alert.subject, forSeconds: 600 } })
  for (let n = 0; n < 10_000; n++) book.fold(aFinding({ key: `story ${n}` }))
  expect(book.change(proven.id, {})).toMatchObject({ key: 'brute-force' })
  expect(book.change(alert.id, {})?.suggestion).toBeDefined()
  expect(book.open).toBe(2_000)
  for (let n = 0; n < 5_000; n++) book.fold(aFinding({ key: `proven ${n}`, spoofable: false }))
  expect(book.open).toBe(2_000)
})

test('forgets the oldest beyond its bound, not the newest', () => {
  const book = createAlertBook([], 0)
  for (let n = 0; n <= 2_000; n++) book.fold(aFinding({ key: `story ${n}` }))
  expect(book.change(1, { archived: true })).toBeUndefined()
  expect(book.change(2_001, { archived: true })?.key).toBe('story 2000')
})
