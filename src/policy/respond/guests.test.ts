import { expect, test } from 'vitest'
import { contains, ip, parseTarget, type Target } from '#model/address.ts'
import { aFinding } from '../../../test/support/findings.ts'
import { createAllowList } from '../allow-list.ts'
import { createResponder } from './respond.ts'
import { respondSettings } from './settings.ts'

/** Somebody logged in from here of late. */
const GUEST = ip('2001:db8:0:1::5')
const target = (text: string) => parseTarget(text) as Target

const responder = (chosen: object = {}) =>
  createResponder({
    settings: respondSettings.parse(chosen),
    allowList: createAllowList([]),
    isGuest: (named) => contains(named, GUEST),
  })

test('who logged in of late is not blocked on what may be forged, and the alert says why', () => {
  const { judge, grants } = responder()
  expect(judge(aFinding({ subject: GUEST }))).toEqual({
    action: 'alert',
    because: 'respond.guestDays = 7: somebody logged in from there, and this may be forged',
  })
  expect([grants(aFinding({ subject: GUEST }), 'block'), grants(aFinding(), 'block')]).toEqual([false, true])
})

test('with a handshake he is blocked as anybody else', () => {
  const { judge, grants } = responder()
  const proven = aFinding({ subject: GUEST, spoofable: false })
  expect(judge(proven)).toMatchObject({ action: 'block', target: GUEST })
  expect(grants(proven, 'block')).toBe(true)
})

test('nor is the network around him, however many of its addresses somebody borrows', () => {
  const { judge } = responder()
  const targets = [1, 2, 3, 4].map((n) => judge(aFinding({ subject: ip(`2001:db8:0:1::${n}`) })))
  expect(targets.at(-1)).toMatchObject({ target: '2001:db8:0:1::4' })
  const whole = responder({ ipv6PrefixBits: 64 })
  expect(whole.judge(aFinding({ subject: ip('2001:db8:0:1::1') }))).toMatchObject({
    target: '2001:db8:0:1::1',
  })
  const elsewhere = whole.judge(aFinding({ subject: ip('2001:db8:0:2::1') }))
  expect(elsewhere).toMatchObject({ target: target('2001:db8:0:2::/64') })
})
