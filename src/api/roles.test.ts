import { beforeEach, describe, expect, test } from 'vitest'
import { createSmallProduct, type SmallProduct } from '../../test/support/port.ts'
import type { Actor } from './actor.ts'
import { type Api, createApi } from './api.ts'

const NOW = 1_700_000_000_000
const PROOF_MS = 900_000

interface Operation {
  readonly method: string
  readonly path: string
}

/** Every operation of the contract, with something in the place of each parameter. */
async function operations(api: Api): Promise<Operation[]> {
  const admin: Actor = { name: 'root', role: 'admin' }
  const answer = await api.fetch(new Request('http://gatehouse/api/v1/openapi.json'), admin)
  const { paths } = (await answer.json()) as { paths: Record<string, Record<string, object>> }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      method: method.toUpperCase(),
      path: path.replaceAll(/\{[^}]+\}/g, '1'),
    })),
  )
}

let product: SmallProduct
let api: Api
beforeEach(() => {
  product = createSmallProduct()
  api = createApi(Object.assign(product, { proofMs: PROOF_MS, views: { ...product.views, now: () => NOW } }))
})

const ask = async ({ method, path }: Operation, actor: Actor, body: object = {}) => {
  const hasBody = method !== 'GET' && method !== 'DELETE'
  const request = new Request(`http://gatehouse${path}`, {
    method,
    ...(hasBody && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const answer = await api.fetch(request, actor)
  return { status: answer.status, problem: (await answer.json().catch(() => ({}))) as Problem }
}

interface Problem {
  readonly detail?: string
  readonly signIn?: { readonly proof?: boolean }
}

/** What whoever is signed in may do about the own account. */
const OWN = /^\/api\/v1\/(?:accounts|sessions)\//
/** Asked with a body, and change nothing. */
const QUESTIONS = /^\/api\/v1\/rules\/(?:check|explain|read)$/

describe('roles', () => {
  test('a viewer changes nothing, by no route there is', async () => {
    const changes = (await operations(api)).filter(({ method }) => method !== 'GET')
    expect(changes.length).toBeGreaterThan(25)
    for (const change of changes.filter(({ path }) => !OWN.test(path) && !QUESTIONS.test(path))) {
      const { status } = await ask(change, { name: 'vera', role: 'viewer' })
      expect([change, status]).toEqual([change, 403])
    }
    expect(product.acts).toEqual([])
  })

  test('an operator does not touch rules, lists, settings and accounts', async () => {
    for (const [method, path, body] of [
      ['POST', '/api/v1/rules/apply', {}],
      ['PATCH', '/api/v1/settings', { changes: [{ setting: 'page.port', value: 1 }] }],
      ['PUT', '/api/v1/feeds/feodo', { isOn: true }],
      ['POST', '/api/v1/accounts', { name: 'eve', role: 'admin' }],
      ['PATCH', '/api/v1/accounts/anna', { role: 'admin' }],
      ['POST', '/api/v1/tokens', { name: 'eve', scope: 'admin' }],
      ['POST', '/api/v1/login-link', {}],
      ['PUT', '/api/v1/password', { password: 'correct horse' }],
    ] as const) {
      const { status } = await ask({ method, path }, { name: 'otto', role: 'operator' }, body)
      expect([path, status]).toEqual([path, 403])
    }
    expect(product.acts).toEqual([])
  })

  test('nobody but an admin touches the account of another', async () => {
    for (const operation of [
      { method: 'PATCH', path: '/api/v1/accounts/anna' },
      { method: 'POST', path: '/api/v1/accounts/anna/code' },
      { method: 'DELETE', path: '/api/v1/accounts/anna/code' },
    ]) {
      const body = { password: 'correct horse' }
      expect((await ask(operation, { name: 'otto', role: 'operator' }, body)).status).toBe(403)
      expect((await ask(operation, { name: 'anna', role: 'viewer' }, body)).status).toBe(200)
    }
  })

  test('sessions of others are neither shown nor ended', async () => {
    const list = await api.fetch(new Request('http://gatehouse/api/v1/sessions'), {
      name: 'ben',
      role: 'operator',
    })
    expect(((await list.json()) as { name: string }[]).map(({ name }) => name)).toEqual(['ben'])
    const end = { method: 'DELETE', path: '/api/v1/sessions/of-anna' }
    expect((await ask(end, { name: 'ben', role: 'operator' })).status).toBe(404)
    expect((await ask(end, { name: 'anna', role: 'viewer' })).status).toBe(200)
  })
})

describe('proof', () => {
  const apply = { method: 'POST', path: '/api/v1/rules/apply' }

  test('policy asks who signed in long ago to prove it again', async () => {
    const stale: Actor = { name: 'anna', role: 'admin', provenAt: NOW - PROOF_MS }
    for (const [operation, body] of [
      [apply, {}],
      [{ method: 'PATCH', path: '/api/v1/settings' }, { changes: [{ setting: 'page.port', value: 1 }] }],
      [
        { method: 'POST', path: '/api/v1/accounts' },
        { name: 'eve', role: 'admin' },
      ],
      [
        { method: 'POST', path: '/api/v1/tokens' },
        { name: 'eve', scope: 'admin' },
      ],
      [
        { method: 'POST', path: '/api/v1/rules/hold' },
        { kind: 'pause', seconds: 60 },
      ],
    ] as const) {
      const { status, problem } = await ask(operation, stale, body)
      expect([operation, status, problem.signIn]).toEqual([operation, 403, { proof: true }])
    }
    expect(product.acts).toEqual([])
  })

  test('it goes through when it was given lately, and for the Unix socket and tokens without', async () => {
    for (const actor of [
      { name: 'anna', role: 'admin', provenAt: NOW - PROOF_MS + 1 },
      { name: 'root', role: 'admin' },
    ] as const) {
      expect((await ask(apply, actor)).status).not.toBe(403)
    }
  })

  test('an attack waits for nobody: blocking, locking down and rolling back need no proof', async () => {
    const stale: Actor = { name: 'anna', role: 'operator', provenAt: 0 }
    expect(
      (await ask({ method: 'POST', path: '/api/v1/blocks' }, stale, { target: '203.0.113.9' })).status,
    ).toBe(200)
    const lockdown = { kind: 'lockdown', seconds: 60 }
    expect((await ask({ method: 'POST', path: '/api/v1/rules/hold' }, stale, lockdown)).status).not.toBe(403)
    expect((await ask({ method: 'POST', path: '/api/v1/rules/rollback' }, stale)).status).not.toBe(403)
  })
})
