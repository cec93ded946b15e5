import { afterEach, beforeEach, expect, test } from 'vitest'
import { BlastRadius } from '#contract/schemas.ts'
import { createSmallProduct, type SmallProduct } from '../../test/support/port.ts'
import { type Api, createApi } from './api.ts'
import type { Actor } from './port.ts'

const viewer: Actor = { name: 'guest', role: 'viewer' }
const operator: Actor = { name: 'anna', role: 'operator' }

let product: SmallProduct
let api: Api
beforeEach(() => {
  product = createSmallProduct()
  api = createApi(product)
})
afterEach(() => api.close())

const ask = (method: string, path: string, actor: Actor) =>
  api.fetch(new Request(`http://gatehouse/api/v1/${path}`, { method }), actor)

test('a viewer may see what a block would cut off, of an address in any spelling', async () => {
  const answer = await ask('GET', 'blast-radius?target=2001:DB8::1', viewer)
  expect(BlastRadius.parse(await answer.json())).toMatchObject({ target: '2001:db8::1', connections: 1 })
  expect((await ask('GET', 'blast-radius?target=example.com', viewer)).status).toBe(400)
  expect((await ask('GET', 'blast-radius', viewer)).status).toBe(400)
})

test('an operator accepts a suggestion, a viewer does not', async () => {
  expect((await ask('POST', 'alerts/5/accept', viewer)).status).toBe(403)
  expect((await ask('POST', 'alerts/5/accept', operator)).status).toBe(200)
  expect(product.acts).toEqual([{ what: 'accepted 5', actor: operator }])
})
