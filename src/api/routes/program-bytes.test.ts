import { expect, test } from 'vitest'
import { ProgramBytesReport } from '#contract/program-bytes.ts'
import type { ProgramBytesReport as Report } from '#model/program-bytes.ts'
import { createSmallProduct } from '../../../test/support/port.ts'
import { createApi } from '../api.ts'
import type { Port } from '../port.ts'

const report: Report = {
  source: 'messages',
  otherSources: ['sockets'],
  seconds: 60,
  programs: [
    {
      program: '/usr/bin/curl',
      ...{
        sentBytes: 10,
        sentPackets: 1,
        receivedBytes: 900,
        receivedPackets: 2,
        sendRate: 0.2,
        receiveRate: 15,
      },
    },
  ],
}

async function answerTo(query: string, programBytes?: Port['programBytes']): Promise<Response> {
  const api = createApi(Object.assign(createSmallProduct(), programBytes && { programBytes }))
  const answer = await api.fetch(new Request(`http://gatehouse/api/v1/programs/bytes${query}`), {
    name: 'guest',
    role: 'viewer',
  })
  api.close()
  return answer
}

test.each([
  ['', undefined],
  ['?since=5', { since: 5 }],
  ['?since=5&until=9', { since: 5, until: 9 }],
])('bytes of programs %s are asked for as %j, and told as the contract has it', async (query, period) => {
  const asked: unknown[] = []
  const answer = await answerTo(query, async (of) => {
    asked.push(of)
    return report
  })
  expect(asked).toEqual([period])
  expect(ProgramBytesReport.parse(await answer.json())).toEqual(report)
})

test('that nothing was counted is said, of a period and of the machine', async () => {
  const over = await answerTo('?since=5', async () => undefined)
  expect([over.status, await over.json()]).toMatchObject([
    404,
    { detail: 'Nothing was counted in that period.' },
  ])
  const now = await answerTo('')
  expect([now.status, await now.json()]).toMatchObject([503, { hint: 'Start Gatehouse as root.' }])
})
