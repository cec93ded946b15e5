import { afterEach, beforeEach, expect, test } from 'vitest'
import { EgressEntry, Feed, FeedOutcome, Lookup } from '#contract/intel.ts'
import { Reputation } from '#contract/reputation.ts'
import { HostView, ProgramView } from '#contract/views.ts'
import { createSmallProduct, type SmallProduct } from '../../../test/support/port.ts'
import { type Api, createApi } from '../api.ts'
import type { Actor } from '../port.ts'

const operator: Actor = { name: 'anna', role: 'operator' }
const admin: Actor = { name: 'anna', role: 'admin' }
const viewer: Actor = { name: 'guest', role: 'viewer' }

let product: SmallProduct
let api: Api
beforeEach(() => {
  product = createSmallProduct()
  api = createApi(product)
})
afterEach(() => api.close())

async function ask(method: string, path: string, body?: unknown, actor = operator) {
  const headers = { 'content-type': 'application/json' }
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers }
  const answer = await api.fetch(new Request(`http://gatehouse/api/v1${path}`, { method, ...sent }), actor)
  return { status: answer.status, body: (await answer.json()) as unknown }
}

test('a viewer may read lists, look-ups and the ledger, as the contract has them', async () => {
  const feeds = (await ask('GET', '/feeds', undefined, viewer)).body as unknown[]
  expect(Feed.parse(feeds[0]).id).toBe('feodo')
  expect(Feed.parse((await ask('GET', '/feeds/feodo', undefined, viewer)).body).isOn).toBe(true)
  expect(
    Lookup.parse((await ask('GET', '/lookup?value=203.0.113.9', undefined, viewer)).body).listings,
  ).toHaveLength(1)
  const { items } = (await ask('GET', '/egress?limit=5', undefined, viewer)).body as { items: unknown[] }
  expect(EgressEntry.parse(items[0]).why).toBe('list feodo')
})

test('the reputation of anything is told to a viewer, also with all about a host', async () => {
  const { body } = await ask('GET', '/reputation?of=203.0.113.9', undefined, viewer)
  expect(Reputation.parse(body)).toMatchObject({ subject: '203.0.113.9', score: 87 })
  const host = HostView.parse((await ask('GET', '/hosts/203.0.113.9', undefined, viewer)).body)
  expect([host.reputation?.score, host.listings?.map(({ list }) => list)]).toEqual([87, ['feodo']])
  const program = ProgramView.parse((await ask('GET', '/program?program=curl', undefined, viewer)).body)
  expect(program.reputation?.factors).toHaveLength(2)
})

test('an admin switches, updates and decides', async () => {
  const on = await ask('PUT', '/feeds/feodo', { isOn: true, action: 'block' }, admin)
  expect(FeedOutcome.parse(on.body).feed.isOn).toBe(true)
  expect(product.acts.at(-1)).toMatchObject({ what: 'on feodo block', actor: { name: 'anna' } })
  expect((await ask('POST', '/feeds/feodo/update')).body).toMatchObject({ sentence: 'updated feodo' })
  expect((await ask('POST', '/feeds/feodo/held', { accept: false }, admin)).body).toMatchObject({
    sentence: 'left feodo',
  })
})

test('an operator may ask the services outside', async () => {
  const { body } = await ask('POST', '/lookup', { value: '203.0.113.9' })
  expect(Lookup.parse(body).opinions).toHaveLength(1)
})

test.each([
  ['PUT', '/feeds/feodo', { isOn: true }],
  ['POST', '/feeds/feodo/update', undefined],
  ['POST', '/feeds/feodo/held', { accept: true }],
  ['POST', '/lookup', { value: '203.0.113.9' }],
])('a viewer may not %s %s', async (method, path, body) => {
  expect((await ask(method, path, body, viewer)).status).toBe(403)
  expect(product.acts).toEqual([])
})

test.each([
  ['PUT', '/feeds/feodo', { isOn: 'yes' }],
  ['PUT', '/feeds/feodo', { isOn: true, action: 'destroy' }],
  ['PUT', '/feeds/feodo', { isOn: true, more: 1 }],
  ['POST', '/feeds/feodo/held', {}],
  ['GET', '/lookup', undefined],
])('%s %s with %j is refused in words', async (method, path, body) => {
  expect((await ask(method, path, body)).status).toBe(400)
})

test('an operator reports abuse, a viewer does not, and a comment has its bound', async () => {
  const report = { address: '203.0.113.9', categories: ['ssh'] }
  expect((await ask('POST', '/abuse-reports', report)).body).toEqual({
    sentence: '203.0.113.9 was reported.',
  })
  expect((await ask('POST', '/abuse-reports', report, viewer)).status).toBe(403)
  expect((await ask('POST', '/abuse-reports', { ...report, comment: 'x'.repeat(1_025) })).status).toBe(400)
})
