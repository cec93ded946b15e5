import { afterEach, expect, test } from 'vitest'
import { aDecision, createSmallProduct } from '../../test/support/port.ts'
import { type Api, createApi } from './api.ts'
import { createEventLog } from './event-log.ts'
import { openEventStream } from './event-stream.ts'

const LIMITS = { heartbeatMs: 15_000, backlogLimit: 10_000 }
const decision = (id: number) => ({ kind: 'decision' as const, decision: { ...aDecision, id } })
let api: Api | undefined
afterEach(() => api?.close())

/** Reads until `enough` says so or the stream ends. */
async function read(body: ReadableStream<Uint8Array>, enough: (text: string) => boolean): Promise<string> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  while (!enough(text)) {
    const { done, value } = await reader.read()
    if (done) break
    text += decoder.decode(value, { stream: true })
  }
  await reader.cancel()
  return text
}

test('the log keeps order, forgets the oldest, and knows what it forgot', () => {
  const log = createEventLog(100, 3)
  for (let id = 1; id <= 5; id++) log.add(decision(id))
  expect(log.lastId).toBe(104)
  expect(log.after(102)?.map((event) => event.id)).toEqual([103, 104])
  expect(log.after(101)?.map((event) => event.id)).toEqual([102, 103, 104])
  expect(log.after(104)).toEqual([])
  expect(log.after(100)).toBeUndefined()
  expect(log.after(9_999)).toBeUndefined()
})

test('a stream tells its place at once, then what happens, with names and ids', async () => {
  const product = createSmallProduct()
  api = createApi(product)
  const answer = await api.fetch(new Request('http://gatehouse/api/v1/events'), { name: 'x', role: 'viewer' })
  expect(answer.headers.get('content-type')).toBe('text/event-stream')
  const reading = read(answer.body as ReadableStream<Uint8Array>, (text) => text.includes('"id":2'))
  product.emit(decision(1))
  product.emit(decision(2))
  const first = 1_700_000_000_000_000
  expect(await reading).toBe(
    `retry: 1000\nid: ${first - 1}\n\n` +
      `id: ${first}\nevent: decision\ndata: ${JSON.stringify(decision(1))}\n\n` +
      `id: ${first + 1}\nevent: decision\ndata: ${JSON.stringify(decision(2))}\n\n`,
  )
})

test('Last-Event-ID catches up what was missed, and an unknown id is a reset', async () => {
  const product = createSmallProduct()
  const own = createApi(product)
  api = own
  for (let id = 1; id <= 3; id++) product.emit(decision(id))
  const follow = async (lastId: string) => {
    const request = new Request('http://gatehouse/api/v1/events', { headers: { 'last-event-id': lastId } })
    const answer = await own.fetch(request, { name: 'x', role: 'viewer' })
    return read(answer.body as ReadableStream<Uint8Array>, (text) =>
      /event: [^\n]*\ndata: [^\n]*\n\n$/.test(text),
    )
  }
  const caughtUp = await follow('1700000000000000')
  expect(caughtUp.match(/^id: \d+/gm)).toEqual(['id: 1700000000000001', 'id: 1700000000000002'])
  expect(await follow('5')).toContain('event: reset\ndata: {"kind":"reset"}')
  expect(await follow('99999999999999999999')).toContain('event: reset')
})

test('a client that does not read is cut off with a reset, and nothing is kept for it', async () => {
  const log = createEventLog(1)
  let closed = 0
  const { body } = openEventStream(log, undefined, { ...LIMITS, backlogLimit: 1_000 }, () => closed++)
  for (let id = 1; id <= 1_000; id++) log.add(decision(id))
  const text = await read(body, () => false)
  expect(text).toBe(`id: ${log.lastId}\nevent: reset\ndata: {"kind":"reset"}\n\n`)
  expect(closed).toBe(1)
})

test('a quiet stream still beats, and ends when its reader leaves', async () => {
  const log = createEventLog(1)
  let closed = 0
  const { body } = openEventStream(log, undefined, { ...LIMITS, heartbeatMs: 10 }, () => closed++)
  expect(await read(body, (text) => text.includes(': still here\n\n'))).toContain('retry: 1000')
  expect(closed).toBe(1)
})
