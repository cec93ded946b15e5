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

function round(reports: FlowReports, which?: 'last'): Round {
  reports.begin(which)
  const changed: FlowRecord[] = []
  const ended: FlowRecord[] = []
  let unreported = 0
  for (let parts = 1; ; parts++) {
    const { part, isLast } = reports.next()
    expect(part.changed.length).toBeLessThanOrEqual(100)
    expect(part.ended.length).toBeLessThanOrEqual(100)
    changed.push(...part.changed)
    ended.push(...part.ended)
    unreported = Math.max(unreported, part.unreported)
    if (isLast) return { changed, ended, unreported, parts }
  }
}

/** Rounds until one is empty. */
function rounds(reports: FlowReports): Round[] {
  const all: Round[] = []
  do all.push(round(reports))
  while ((all.at(-1)?.changed.length ?? 0) + (all.at(-1)?.ended.length ?? 0) > 0)
  return all.slice(0, -1)
}

const isProven = ({ packetsForward }: FlowRecord): boolean => packetsForward > 1

const clientOf = (at: number): string => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`

function flood(engine: Engine, flows: number, at = 1_000): void {
  for (let client = 0; client < flows; client++) {
    deliver(engine, said({ from: `${clientOf(client)}:4000`, to: '192.0.2.1:80' }), at)
  }
}

/** The server's answer, and what the client says to it. */
function shakeHands(engine: Engine, client: number, at = 1_000): void {
  const [peer, server] = [`${clientOf(client)}:4000`, '192.0.2.1:80']
  deliver(engine, said({ from: server, to: peer, flags: 'SA' }), at)
  deliver(engine, said({ from: peer, to: server, flags: 'A' }), at)
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

test('in a flood the proven come first, the rest has a share and waits for its turn, and none is forgotten', () => {
  const { engine, reports } = watched()
  flood(engine, 1_200)
  for (let client = 600; client < 1_200; client++) shakeHands(engine, client)
  const first = round(reports)
  expect(first.changed.map(isProven)).toEqual([...Array(600).fill(true), ...Array(250).fill(false)])
  const others = rounds(reports)
  expect(others.map(({ changed }) => changed.length)).toEqual([250, 100])
  const seen = new Set([first, ...others].flatMap(({ changed }) => changed.map(({ id }) => id)))
  expect(seen.size).toBe(1_200)
})

test('an answer alone proves nothing: who forges his address is answered too', () => {
  const { engine, reports } = watched()
  flood(engine, 1_000)
  for (let client = 0; client < 1_000; client++) {
    deliver(engine, said({ from: '192.0.2.1:80', to: `${clientOf(client)}:4000`, flags: 'SA' }), 1_000)
  }
  expect(round(reports).changed).toHaveLength(250)
})

test('a part looks at some flows of a flood only, and the round finds the few that are proven behind them', () => {
  const { engine, reports } = watched(32_768)
  flood(engine, 30_000)
  shakeHands(engine, 29_999)
  const { changed, parts } = round(reports)
  expect(changed.filter(isProven)).toHaveLength(1)
  expect(changed).toHaveLength(251)
  expect(parts).toBe(6)
})

test('5,000 proven flows are a round', () => {
  const { engine, reports } = watched()
  flood(engine, 6_000)
  for (let client = 0; client < 6_000; client++) shakeHands(engine, client)
  expect(round(reports).changed).toHaveLength(5_000)
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

test('of ended flows that nobody was told of the unproven beyond 1,000 are counted, the proven are told', () => {
  const { engine, reports } = watched()
  flood(engine, 4_000)
  for (let client = 3_500; client < 4_000; client++) shakeHands(engine, client)
  engine.close(2_000)
  const first = round(reports)
  expect(first.unreported).toBe(2_500)
  expect(first.ended.filter(isProven)).toHaveLength(500)
  expect(first.ended).toHaveLength(750)
  expect(rounds(reports).map(({ ended }) => ended.length)).toEqual([250, 250, 250])
})

test('who was told that a flow is there is told that it is over, in whatever flood', () => {
  const { engine, reports } = watched()
  flood(engine, 3_000)
  const told = Array.from({ length: 6 }, () => round(reports).changed).flat()
  expect(told).toHaveLength(1_500)
  engine.close(2_000)
  const ended = new Set(rounds(reports).flatMap((one) => one.ended.map(({ id }) => id)))
  expect(told.filter(({ id }) => !ended.has(id))).toEqual([])
})

test('the last round keeps nothing back, and what is counted as untold is told once', () => {
  const { engine, reports } = watched()
  flood(engine, 4_000)
  engine.close(2_000)
  const { ended, unreported } = round(reports, 'last')
  expect(ended).toHaveLength(1_000)
  expect(unreported).toBe(3_000)
  expect(round(reports)).toMatchObject({ ended: [], unreported: 0, parts: 1 })
})
