import { expect, test } from 'vitest'
import type { ExplainRequest } from '#contract/rules.ts'
import { ip, type Target } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { Decision } from '#model/decision.ts'
import { parseRules } from '#policy/rules/parse.ts'
import { aConnection } from '../../test/support/connections.ts'
import { aFinding } from '../../test/support/findings.ts'
import { createExplained } from './explained.ts'
import { explained } from './rule-explanation.ts'

const OWN = ip('192.0.2.1')
const BLOCKED = ip('203.0.113.66')
const { book } = parseRules(
  'rules: [{ id: web, action: deny, direction: out, protocol: tcp, port: 443, to: 203.0.113.9 }, reject in 23/tcp]',
  'test',
  { uidOf: () => undefined, listText: () => undefined },
)

/** Real rules, real explaining; what is recorded is handed in. */
function world(about: { alerts?: readonly Alert[]; decisions?: readonly Decision[] } = {}) {
  const { alerts = [], decisions = [] } = about
  const parts = {
    blockOf: (address: string) =>
      address === BLOCKED ? { target: BLOCKED as Target, reason: 'a scan' } : undefined,
    spares: () => undefined,
    ownAddress: () => OWN,
    link: () => 'eth0',
    programAt: (path: string) => ({ paths: [path] }),
    namesOf: () => [],
    placeOf: () => ({}),
    now: () => 5,
  }
  if (!book) throw new Error('the rules are wrong')
  const open = aConnection({ id: 7 })
  const over = aConnection({ id: 8, target: ip('203.0.113.10'), ended: 'finished' })
  return createExplained({
    explain: (request: ExplainRequest) => explained(book, request, parts),
    live: { byId: (id) => (id === open.id ? open : undefined) },
    store: {
      flows: async () => ({ items: [over], total: 1 }),
      alerts: async ({ cursor }) =>
        cursor === undefined ? { items: [], total: 0, next: 'more' } : { items: alerts, total: 1 },
      decisions: async () => ({ items: decisions, total: decisions.length }),
      decision: async (id) => decisions.find((decision) => decision.id === id),
    },
    isOwn: (address) => address === OWN,
  })
}

const alertOf = (about: Parameters<typeof aFinding>[0]): Alert => ({
  ...aFinding(about),
  ...{ id: 4, times: 1, lastSeenAt: 5, response: 'Recorded only', archived: false },
})

test('a flow, open or over, is put to the rules, with what turns it round', async () => {
  const denied = await world()({ of: 'flow', id: 7 })
  expect(denied.about).toContain('Flow 7: 192.0.2.1 to 203.0.113.9 port 443, outbound')
  expect(denied.explanation).toMatchObject({
    action: 'deny',
    sentence: 'This is dropped: rule 1 (web) says deny.',
  })
  expect(denied.flip).toContain('gatehouse rule add "allow out 443/tcp to 203.0.113.9" --at 1')
  const passes = await world()({ of: 'flow', id: 8 })
  expect(passes.explanation?.steps.at(-1)).toMatchObject({ id: 'rule-2', outcome: 'passes' })
  expect(passes.flip).toContain('It would be denied if this held of rule 1 (web): to 203.0.113.9')
  await expect(world()({ of: 'flow', id: 9 })).rejects.toThrow('There is no recent flow 9.')
})

test('an alert says why it was told, and what becomes of its packet now: blocks first', async () => {
  const alert = alertOf({ subject: BLOCKED, because: 'detectors.port-scan.refusedPorts = 10' })
  const told = await world({ alerts: [alert] })({ of: 'alert', id: 4 })
  expect(told.about).toContain('It spoke because detectors.port-scan.refusedPorts = 10. Recorded only.')
  expect(told.flip).toContain('another detectors.port-scan.refusedPorts')
  expect(told.explanation).toMatchObject({ block: BLOCKED, flip: `gatehouse unblock ${BLOCKED}`, steps: [] })
  await expect(world()({ of: 'alert', id: 9 })).rejects.toThrow('There is no recent alert 9.')
})

test('a decision says who, why, and how it is taken back or done again', async () => {
  const block = {
    id: 3,
    at: 5,
    kind: 'block',
    target: BLOCKED,
    actor: 'anna',
    reason: 'a scan',
    alertId: 4,
  } as const
  const told = await world({ decisions: [block] })({ of: 'decision', id: 3 })
  expect(told.about).toBe(`Decision 3: block ${BLOCKED}, by anna: a scan. Its evidence is alert 4.`)
  expect([told.explanation?.block, told.flip]).toEqual([BLOCKED, 'Take it back: gatehouse undo 3'])
  const undone = { ...block, id: 5, kind: 'unblock', undoes: 3 } as const
  const again = await world({ decisions: [undone, block] })({ of: 'decision', id: 3 })
  expect(again.about).toContain('Decision 5 of anna took it back.')
  expect(again.flip).toBe('Do it again: gatehouse undo 5')
  const rules = { ...block, id: 6, kind: 'rules', target: 'rules 2' as Target } as const
  expect((await world({ decisions: [rules] })({ of: 'decision', id: 6 })).explanation).toBeUndefined()
})
