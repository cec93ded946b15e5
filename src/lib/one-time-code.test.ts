import { describe, expect, test } from 'vitest'
import { codeOf, newSecret, setupAddress, stepOfCode } from './one-time-code.ts'

/** "12345678901234567890", the key of RFC 6238 appendix B. */
const RFC_SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'

describe('one-time codes', () => {
  test.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ])('are those of RFC 6238 appendix B: %d s', (seconds, code) => {
    expect(codeOf(RFC_SECRET, seconds * 1000)).toBe(code)
    expect(stepOfCode(code, RFC_SECRET, { now: seconds * 1000 })).toBe(Math.floor(seconds / 30))
  })

  test('of the neighbouring half minute count too, those further off do not', () => {
    const now = 1_700_000_000_000
    const secret = newSecret()
    const codes = [-60_000, -30_000, 0, 30_000, 60_000].map((off) => codeOf(secret, now + off))
    const counts = codes.map((code) => stepOfCode(code, secret, { now }) !== undefined)
    expect(counts).toEqual([false, true, true, true, false])
  })

  test('work once', () => {
    const now = 1_700_000_000_000
    const code = codeOf(RFC_SECRET, now)
    const spentStep = stepOfCode(code, RFC_SECRET, { now })
    expect(spentStep).toBeDefined()
    expect(stepOfCode(code, RFC_SECRET, { now, spentStep })).toBeUndefined()
    // Nor may an older one be played after a newer one.
    expect(stepOfCode(codeOf(RFC_SECRET, now - 30_000), RFC_SECRET, { now, spentStep })).toBeUndefined()
  })

  test.each(['', '12345', '1234567', 'abcdef', '１２３４５６'])('%j is none', (code) => {
    expect(stepOfCode(code, RFC_SECRET, { now: 0 })).toBeUndefined()
  })

  test('have a secret of 160 bits, another each time, and an address for the app', () => {
    const [one, other] = [newSecret(), newSecret()]
    expect(one).toMatch(/^[A-Z2-7]{32}$/)
    expect(one).not.toBe(other)
    expect(setupAddress('ABC', 'anna b', 'gate')).toBe(
      'otpauth://totp/Gatehouse%20gate%3Aanna%20b?secret=ABC&issuer=Gatehouse%20gate',
    )
  })
})
