import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Actor } from '#api/port.ts'
import { createDryRunEnforcer } from '#enforce/dry-run.ts'
import { ip } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { AllowEntry } from '#model/allow.ts'
import { storeSettings } from '#store/settings.ts'
import type { Store } from '#store/store.ts'
import { openStore } from '#store/thread.ts'
import { aFinding } from '../../test/support/findings.ts'
import { type AlertBook, createAlertBook } from './alert-book.ts'
import { createAllowBook } from './allow-book.ts'
import { Gate } from './gate.ts'
import { createLiveConnections } from './live-connections.ts'
import { createResponseDesk } from './response-desk.ts'
import { createSuggestions, type Suggestions } from './suggestions.ts'

const ATTACKER = ip('203.0.113.9')
const anna: Actor = { name: 'anna', role: 'operator' }
const enforcer = createDryRunEnforcer({ reason: 'a trial', remedy: 'none needed' })
let folder: string
let store: Store
let told: Alert[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-desk-'))
  store = await openStore({ folder, settings: storeSettings.parse({}), now: () => 1_000 })
  told = []
})

afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

function deskWith(allowed: readonly AllowEntry[] = []) {
  const allow = createAllowBook(allowed, [])
  const alerts: AlertBook = createAlertBook([], 0)
  const suggestions: Suggestions = createSuggestions({
    remembered: [],
    confirmations: () => 2,
    now: () => 1_000,
    record: (trust) => void store.recordTrust(trust),
  })
  const gate: Gate = new Gate({
    enforcer,
    store,
    spares: allow.spares,
    now: () => 1_000,
    changed: (decision, block) => suggestions.learn(decision, block),
  })
  const live = createLiveConnections()
  const desk = createResponseDesk({
    ...{ gate, live, allow, alerts, store, enforcer, suggestions, confirmations: () => 2 },
    told: (alert) => told.push(alert),
  })
  const suggest = (key: string): number => {
    const { id } = alerts.fold(aFinding({ key })).alert
    alerts.change(id, { suggestion: { target: ATTACKER, forSeconds: 600 }, response: 'Suggested' })
    return id
  }
  return { desk, gate, alerts, suggestions, suggest }
}

test('an accepted suggestion is a block in the name of who accepted it', async () => {
  const { desk, gate, suggest } = deskWith()
  const outcome = await desk.acceptSuggestion(suggest('one'), anna)
  expect(gate.blocks()).toMatchObject([{ target: ATTACKER, actor: 'anna', origin: 'person', alertId: 1 }])
  expect(outcome.sentence).toBe(
    '203.0.113.9 is blocked for 10 min. 1 of 2 times that port-scan is to be right before it blocks by itself.',
  )
  expect(told).toMatchObject([{ response: 'Blocked for 10 min: anna accepted the suggestion' }])
  expect(told[0]).not.toHaveProperty('suggestion')
})

test('the last one that it takes says that the detector acts by itself now', async () => {
  const { desk, suggest, suggestions } = deskWith()
  await desk.acceptSuggestion(suggest('one'), anna)
  const outcome = await desk.acceptSuggestion(suggest('two'), anna)
  expect(outcome.sentence).toContain('port-scan blocks by itself from now on')
  expect(suggestions.isTrusted('port-scan')).toBe(true)
})

test('is accepted once', async () => {
  const { desk, suggest } = deskWith()
  const id = suggest('one')
  await desk.acceptSuggestion(id, anna)
  await expect(desk.acceptSuggestion(id, anna)).rejects.toThrow('Alert 1 suggests nothing.')
  await expect(desk.acceptSuggestion(77, anna)).rejects.toThrow('There is no recent alert 77.')
})

test('the allow list wins over a suggestion, and a refused one earns nothing', async () => {
  const { desk, suggest, suggestions } = deskWith([
    { target: ATTACKER, source: 'session', note: 'login session of anna' },
  ])
  const id = suggest('one')
  await expect(desk.acceptSuggestion(id, anna)).rejects.toThrow('cannot be blocked: login session of anna')
  expect(suggestions.isTrusted('port-scan')).toBe(false)
})

test('what was earned is there at the next start', async () => {
  const { desk, suggest } = deskWith()
  await desk.acceptSuggestion(suggest('one'), anna)
  await store.close()
  store = await openStore({ folder, settings: storeSettings.parse({}), now: () => 2_000 })
  expect(store.remembered.trusts).toEqual([{ detector: 'port-scan', accepted: 1, at: 1_000 }])
})
