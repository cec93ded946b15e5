import { expect, test } from 'vitest'
import type { Graph, GraphEdge } from '../../../src/contract/views.ts'
import { isLocal, lay } from './lay.ts'

const node = (id: string, bytes: number) => {
  const [kind = '', ...rest] = id.split(':')
  return { id, kind: kind as 'program', label: rest.join(':'), connections: 1, bytes }
}
const edge = (from: string, to: string, bytesIn: number, kind: GraphEdge['kind'] = 'talks'): GraphEdge => ({
  ...{ from, to, kind, bytesIn },
  ...{ connections: 1, bytesOut: 0, firstAt: 0, lastAt: 1, reasons: [] },
})
const graph: Graph = {
  nodes: [
    node('program:/bin/a', 10),
    node('program:/bin/b', 900),
    node('host:10.0.0.5', 10),
    node('host:203.0.113.1', 800),
    node('host:203.0.113.2', 100),
    node('name:shop.example', 900),
  ],
  edges: [
    edge('program:/bin/a', 'host:10.0.0.5', 10),
    edge('program:/bin/b', 'host:203.0.113.1', 800),
    edge('program:/bin/b', 'host:203.0.113.2', 100),
    edge('host:203.0.113.1', 'name:shop.example', 800, 'is-called'),
    edge('host:203.0.113.2', 'name:shop.example', 100, 'is-called'),
  ],
  patterns: [
    {
      kind: 'call-home',
      nodes: ['program:/bin/a', 'host:10.0.0.5'],
      because: '',
      firstAt: 0,
      lastAt: 1,
      count: 9,
    },
  ],
  connections: 3,
  isComplete: true,
}

test('hosts of one name are one spot, in the zone where they are', () => {
  const { spots } = lay(graph, 1000, () => false)
  expect(spots.map(({ zone, label, nodes }) => [zone, label, nodes.length])).toEqual([
    ['machine', '/bin/a', 1],
    ['machine', '/bin/b', 1],
    ['local', '10.0.0.5', 1],
    ['internet', 'shop.example', 2],
  ])
})

test('the widest line is the one with most traffic, and a call home is marked', () => {
  const { lines } = lay(graph, 1000, () => false)
  expect(lines.map(({ width, isNotable }) => [Math.round(width), isNotable])).toEqual([
    [1, true],
    [5, false],
  ])
})

test('the same graph is always laid the same way, and no two of a zone share a place', () => {
  const places = () => lay(graph, 1000, () => false).spots.map(({ id, x, y }) => `${id} ${x} ${y}`)
  expect(places()).toEqual(places())
  expect(new Set(places().map((place) => place.replace(/^\S+ /, ''))).size).toBe(4)
})

test('a blocked host marks its lines; too many things are counted instead of drawn', () => {
  const blocked = lay(graph, 1000, (address) => address === '10.0.0.5')
  expect(blocked.lines.map(({ isBlocked }) => isBlocked)).toEqual([true, false])
  const nodes = Array.from({ length: 100 }, (_, at) => node(`host:203.0.113.${at}`, at))
  expect(lay({ ...graph, nodes, edges: [], patterns: [] }, 1000, () => false)).toMatchObject({ left: 60 })
})

test('private, link-local and group addresses belong to the local network', () => {
  expect(['192.168.1.1', 'fe80::1', 'ff02::2', '::1', '172.31.0.1'].every(isLocal)).toBe(true)
  expect(['8.8.8.8', '172.32.0.1', '2001:db8::1'].some(isLocal)).toBe(false)
})
