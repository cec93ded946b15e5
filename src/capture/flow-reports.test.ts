import { expect, test } from 'vitest'
import type { FlowRecord } from '#model/flow.ts'
import { deliver, said } from '../../test/support/frames.ts'
import { createEngine, type Engine } from './engine.ts'
import { createFlowReports, type FlowReports } from './flow-reports.ts'

function watched(maxFlows = 16_384): { engine: Engine; reports: FlowReports } {
  const engine = createEngine({ seed: 1, maxFlows, maxHosts: 2 * maxFlows })
  const reports = createFlowReports(engine, (index) => `eth${index}`)
  engine.watch([reports.watcher])
  return { engine, reports }
}

interface Round {
  readonly changed: FlowRecord[]
  readonly ended: FlowRecord[]
  readonly unreported: number
  readonly parts: number
}

function round(reports: FlowReports): Round {
  reports.begin()
  const changed: FlowRecord[] = []
  const ended: FlowRecord[] = []
  for (let parts = 1; ; parts++) {
    const { part, isLast } = reports.next()
    expect(part.changed.length).toBeLessThanOrEqual(100)
    expect(part.ended.length).toBeLessThanOrEqual(500)
    changed.push(...part.changed)
    ended.push(...part.ended)
    if (isLast) return { changed, ended, unreported: part.unreported, parts }
  }
}

const clientOf = (at: number): string => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`

function flood(engine: Engine, flows: number, at = 1_000): void {
  for (let client = 0; client < flows; client++) {
    deliver(engine, said({ from: `${clientOf(client)}:4000`, to: '192.0.2.1:80' }), at)
  }
}

function answer(engine: Engine, client: number, at = 1_000): void {
  deliver(engine, said({ from: '192.0.2.1:80', to: `${clientOf(client)}:4000`, flags: 'SA' }), at)
}

test('a flow is reported when it changed, with the name of its interface, and not again before it changes', () => {
  const { engine, reports } = watched()
  deliver(engine, said({ from: '10.0.0.1:4000', to: '192.0.2.1:80' }), 1_000, { interfaceIndex: 1 })
  expect(round(reports).changed).toMatchObject([
    { source: '10.0.0.1', targetPort: 80, interfaceName: 'eth1' },
  ])
  expect(round(reports).changed).toEqual([])
  deliver(engine, said({ from: '192.0.2.1:80', to: '10.0.0.1:4000', flags: 'SA' }), 1_001)
  expect(round(reports).changed).toMatchObject([{ packetsForward: 1, packetsBackward: 1 }])
})

test('in a flood the answered come first, the rest has a share and waits for its turn, and none is forgotten', () => {
  const { engine, reports } = watched()
  flood(engine, 3_000)
  for (let client = 2_400; client < 3_000; client++) answer(engine, client)
  const first = round(reports)
  expect(first.changed).toHaveLength(1_600)
  expect(first.changed.slice(0, 600).every(({ packetsBackward }) => packetsBackward === 1)).toBe(true)
  expect(first.changed.slice(600).every(({ packetsBackward }) => packetsBackward === 0)).toBe(true)
  expect(first.unreported).toBe(1_400)
  const seen = new Set(first.changed.map(({ id }) => id))
  for (const { changed } of [round(reports), round(reports)]) for (const { id } of changed) seen.add(id)
  expect(seen.size).toBe(3_000)
  expect(round(reports)).toMatchObject({ changed: [], unreported: 0, parts: 1 })
})

test('5,000 answered flows are a round', () => {
  const { engine, reports } = watched()
  flood(engine, 6_000)
  for (let client = 0; client < 6_000; client++) answer(engine, client)
  expect(round(reports)).toMatchObject({ unreported: 1_000, parts: 51 })
  expect(round(reports).changed).toHaveLength(1_000)
})

test('a flow that ended is reported as ended only, and the flow that took its place is reported', () => {
  const { engine, reports } = watched(1_024)
  deliver(engine, said({ from: '10.0.0.1:4000', to: '192.0.2.1:80' }), 1_000)
  reports.begin()
  reports.next()
  deliver(engine, said({ from: '10.0.0.1:4000', to: '192.0.2.1:80' }), 2_000)
  engine.close(3_000)
  deliver(engine, said({ from: '10.0.0.2:4000', to: '192.0.2.1:80' }), 4_000)
  const { changed, ended } = round(reports)
  expect(ended).toMatchObject([{ source: '10.0.0.1', ended: 'shutdown', packetsForward: 2 }])
  expect(changed).toMatchObject([{ source: '10.0.0.2' }])
})

test('of ended flows the unanswered beyond 1,000 are counted, the answered are told', () => {
  const { engine, reports } = watched()
  flood(engine, 4_000)
  for (let client = 3_500; client < 4_000; client++) answer(engine, client)
  engine.close(2_000)
  const { changed, ended } = round(reports)
  expect(changed).toEqual([])
  expect(ended).toHaveLength(1_500)
  expect(ended.filter(({ packetsBackward }) => packetsBackward > 0)).toHaveLength(500)
})

test('what is counted as untold is told once', () => {
  const { engine, reports } = watched()
  flood(engine, 4_000)
  engine.close(2_000)
  reports.begin()
  const first = reports.next()
  expect(first.part.unreported).toBe(3_000)
  expect(reports.next().part.unreported).toBe(0)
})
