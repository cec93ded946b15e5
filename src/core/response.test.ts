import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createDryRunEnforcer } from '#enforce/dry-run.ts'
import { ip, parseTarget, type Target } from '#model/address.ts'
import type { Decision } from '#model/decision.ts'
import type { Verdict } from '#model/verdict.ts'
import { storeSettings } from '#store/settings.ts'
import type { Store } from '#store/store.ts'
import { openStore } from '#store/thread.ts'
import { aFinding } from '../../test/support/findings.ts'
import { type AlertBook, createAlertBook } from './alert-book.ts'
import { createAllowBook } from './allow-book.ts'
import { Gate } from './gate.ts'
import { respond } from './response.ts'

const ATTACKER = ip('203.0.113.9')
let folder: string
let store: Store
let decisions: Decision[]
let gate: Gate
let alerts: AlertBook

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-response-'))
  store = await openStore({ folder, settings: storeSettings.parse({}), now: () => 1_000 })
  decisions = []
  const printer = { target: ip('192.0.2.7'), source: 'config' as const, note: 'the printer' }
  gate = new Gate({
    enforcer: createDryRunEnforcer({ reason: 'a trial', remedy: 'none needed' }),
    store,
    spares: createAllowBook([printer], []).spares,
    now: () => 1_000,
    changed: (decision) => decisions.push(decision),
  })
  alerts = createAlertBook([], 0)
})

afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

/** Answers the alert as it is after the response. */
function respondTo(verdict: Verdict, finding = aFinding()) {
  const { alert } = alerts.fold(finding)
  const response = respond(verdict, alert, { gate, closeSockets: () => 0, reacted: () => undefined })
  return alerts.change(alert.id, response)
}

const sentence = { because: 'respond.blockFrom = high', target: ATTACKER as Target, forSeconds: 600 }

test('a block goes through the gate, with the alert behind it', () => {
  respondTo({ action: 'block', ...sentence })
  expect(decisions).toMatchObject([{ kind: 'block', target: ATTACKER, actor: 'port-scan', alertId: 1 }])
})

test('a repeater is told that it is one, in the alert and in the reason of the block', () => {
  const alert = respondTo({
    action: 'block',
    ...sentence,
    forSeconds: 3_600,
    repeat: 'second time in 7 days',
  })
  expect(alert?.response).toContain('for 60 min: second time in 7 days')
  expect(gate.blockOf(ATTACKER)?.reason).toMatch(/; second time in 7 days$/)
})

test('the same address is blocked once, but a network around it still can be', () => {
  respondTo({ action: 'block', ...sentence })
  respondTo({ action: 'block', ...sentence })
  const network = parseTarget('203.0.113.0/28') as Target
  const alert = respondTo({ action: 'block', ...sentence, target: network })
  expect(decisions.map(({ target }) => target)).toEqual([ATTACKER, network])
  expect(alert?.response).toContain('blocked 203.0.113.0/28 for')
})

test('a limit is kept as one, is no block, and gives way to a block', () => {
  const alert = respondTo({ action: 'limit', ...sentence })
  expect(alert?.response).toMatch(/^Limited for 10 min/)
  expect(gate.blocks()).toMatchObject([{ target: ATTACKER, effect: 'limit' }])
  respondTo({ action: 'limit', ...sentence })
  respondTo({ action: 'block', ...sentence })
  expect(decisions.map(({ kind }) => kind)).toEqual(['limit', 'block'])
  expect(gate.blocks()).toHaveLength(1)
  expect(gate.blockOf(ATTACKER)).not.toHaveProperty('effect')
})

test('the allow list has the last word on blocks and limits alike', () => {
  const printer = { ...sentence, target: ip('192.0.2.7') }
  expect(respondTo({ action: 'block', ...printer })?.response).toBe('Not blocked: the printer')
  expect(respondTo({ action: 'limit', ...printer })?.response).toBe('Not limited: the printer')
  expect(gate.count).toBe(0)
})

test('a suggestion changes nothing but waits in the alert', () => {
  const alert = respondTo({ action: 'suggest', ...sentence })
  expect(alert).toMatchObject({
    response: 'Suggested: block 203.0.113.9 for 10 min (respond.blockFrom = high)',
    suggestion: { target: ATTACKER, forSeconds: 600 },
    archived: false,
  })
  expect(decisions).toEqual([])
})

test('what is only recorded needs nobody; what somebody took back into the inbox stays there', () => {
  expect(respondTo({ action: 'record', because: 'it is low' })?.archived).toBe(true)
  alerts.change(1, { archived: false })
  expect(respondTo({ action: 'record', because: 'it is low' })?.archived).toBe(false)
})

test('a story about somebody who is blocked for another one says so', () => {
  gate.block({ target: ATTACKER, origin: 'person', actor: 'anna', reason: 'keeps knocking' })
  expect(respondTo({ action: 'block', ...sentence })?.response).toBe('Blocked already: keeps knocking')
  expect(decisions).toHaveLength(1)
})

test('an alert keeps what was done about it when the story ends', () => {
  const first = respondTo({ action: 'block', ...sentence })
  expect(respondTo({ action: 'alert', because: 'it is over' })?.response).toBe(first?.response)
})
