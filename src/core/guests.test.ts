import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ip, parseTarget, type Target } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import { createGuests } from './guests.ts'

const DAY = 86_400_000
const ADMIN = ip('198.51.100.5')
const session = (address = ADMIN): AllowEntry => ({ target: address, source: 'session', note: 'anna' })

let folder: string
let file: string
let said: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-guests-'))
  file = join(folder, 'guests.json')
  said = []
})
afterEach(() => rmSync(folder, { recursive: true }))

const guests = (days = 7) => createGuests({ file, days: () => days, say: (sentence) => said.push(sentence) })

test('somebody is a guest for some days after he was last logged in, also over a restart', () => {
  guests().see([session()], 1_000)
  const after = guests()
  expect([after.isGuest(ADMIN, 6 * DAY), after.isGuest(ADMIN, 8 * DAY)]).toEqual([true, false])
  expect(after.isGuest(ip('198.51.100.6'), 1_000)).toBe(false)
  const range = parseTarget('198.51.100.0/24') as Target
  expect([after.isGuest(range, 6 * DAY), after.isGuest(range, 8 * DAY)]).toEqual([true, false])
  expect(guests(0).isGuest(ADMIN, 1_000)).toBe(false)
})

test('gateways and other entries of the allow list are none', () => {
  const { see, isGuest } = guests()
  see([{ ...session(), source: 'gateway' }], 1_000)
  expect(isGuest(ADMIN, 1_000)).toBe(false)
})

test('a session that goes on is written down again after an hour, not each second', () => {
  const { see } = guests()
  see([session()], 0)
  see([session()], 1_000)
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual([{ address: ADMIN, at: 0 }])
  see([session()], 3_600_000)
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual([{ address: ADMIN, at: 3_600_000 }])
})

test('no more than some hundred are kept, the last ones', () => {
  const { see, isGuest } = guests()
  see(
    Array.from({ length: 300 }, (_, n) => session(ip(`10.0.${n >> 8}.${n & 255}`))),
    0,
  )
  expect([isGuest(ip('10.0.0.0'), 0), isGuest(ip('10.0.1.43'), 0)]).toEqual([false, true])
  expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveLength(256)
})

test.each(['not json', '{}', '[{"address":5}]'])(
  'a file that is broken (%s) is said, and begins anew',
  (text) => {
    writeFileSync(file, text)
    const { see, isGuest } = guests()
    expect(said[0]).toContain('cannot be read')
    see([session()], 0)
    expect([isGuest(ADMIN, 0), guests().isGuest(ADMIN, 0)]).toEqual([true, true])
  },
)
