import { expect, test } from 'vitest'
import { DetectorState } from '#contract/detectors.ts'
import { createSmallProduct } from '../../../test/support/port.ts'
import { createApi } from '../api.ts'
import type { DetectorsPort } from '../detectors-port.ts'

const flood: DetectorState = {
  ...{ id: 'flood', title: 'Flood', technique: 'T1498.001', mode: 'act', profile: 'normal' },
  settings: [{ name: 'synPerSecond', value: 200, from: 'default', description: 'SYNs a second' }],
}

async function listed(detectors?: DetectorsPort): Promise<unknown> {
  const product = createSmallProduct()
  const api = createApi(detectors ? Object.assign(product, { detectors }) : product)
  const answer = await api.fetch(new Request('http://gatehouse/api/v1/detectors'), {
    name: 'guest',
    role: 'viewer',
  })
  api.close()
  expect(answer.status).toBe(200)
  return answer.json()
}

test('a viewer may read which detectors watch, as the contract has it', async () => {
  const [state] = (await listed({ list: () => [flood] })) as unknown[]
  expect(DetectorState.parse(state)).toEqual(flood)
})

test('where nothing is watched the list is empty', async () => {
  expect(await listed()).toEqual([])
})
