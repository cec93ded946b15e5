import { expect, test } from 'vitest'
import { createSmallProduct } from '../../../test/support/port.ts'
import { createApi } from '../api.ts'

const ask = (pointers: object | undefined, role: 'viewer' | 'operator') => {
  const api = createApi(Object.assign(createSmallProduct(), pointers && { pointers }))
  return api.fetch(new Request('http://core/api/v1/hosts/203.0.113.9/ptr', { method: 'POST' }), {
    name: 'anna',
    role,
  } as never)
}
const asking = { ask: async (address: string) => ({ address, name: 'a.example', nameSource: 'ptr' }) }

test('who may act asks reverse DNS; who may only look does not make this machine talk', async () => {
  const answer = await ask(asking, 'operator')
  expect(await answer.json()).toEqual({ address: '203.0.113.9', name: 'a.example', nameSource: 'ptr' })
  expect((await ask(asking, 'viewer')).status).toBe(403)
  expect((await ask(undefined, 'operator')).status).toBe(503)
})
