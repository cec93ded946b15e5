import { describe, expect, test } from 'vitest'
import type { Role } from '#contract/session.ts'
import { createSmallProduct } from '../../test/support/port.ts'
import { type Act, allows, LEAST_ROLE } from '../../web/src/roles.ts'
import type { Actor } from './actor.ts'
import { createApi } from './api.ts'

/** A request of each act, as the page sends it. */
const REQUESTS: Readonly<Record<Act, readonly [method: string, path: string, body?: object]>> = {
  block: ['POST', 'blocks', { target: '203.0.113.9' }],
  close: ['POST', 'connections/1/close'],
  shield: ['DELETE', 'shield/guarded/443'],
  allow: ['POST', 'allow', { target: '203.0.113.9' }],
  alerts: ['POST', 'alerts/1/archive?archived=true'],
  undo: ['POST', 'decisions/1/undo'],
  lockdown: ['POST', 'rules/hold', { kind: 'lockdown', seconds: 60 }],
  confirm: ['POST', 'rules/confirm'],
  updateList: ['POST', 'feeds/feodo/update'],
  askServices: ['POST', 'lookup', { value: '203.0.113.9' }],
  simulate: ['POST', 'rules/simulate', { text: 'version: 1' }],
  pause: ['POST', 'rules/hold', { kind: 'pause', seconds: 60 }],
  rules: ['POST', 'rules/apply', {}],
  lists: ['PUT', 'feeds/feodo', { isOn: true }],
  settings: ['PATCH', 'settings', { changes: [{ setting: 'page.port', value: 1 }] }],
  accounts: ['POST', 'accounts', { name: 'eve', role: 'viewer' }],
}

async function isRefused(act: Act, role: Role): Promise<boolean> {
  const [method, path, body] = REQUESTS[act]
  const request = new Request(`http://gatehouse/api/v1/${path}`, {
    method,
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const actor: Actor = { name: 'anna', role }
  return (await createApi(createSmallProduct()).fetch(request, actor)).status === 403
}

describe('what the page locks', () => {
  test.each(Object.keys(LEAST_ROLE) as Act[])('"%s" is what the core refuses, for each role', async (act) => {
    for (const role of ['viewer', 'operator', 'admin'] as const) {
      expect([role, await isRefused(act, role)]).toEqual([role, !allows(role, act)])
    }
  })
})
